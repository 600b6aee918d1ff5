"""Malformed tables of variants, each with the exact message a user reads.

As in `malformed_inputs`: a function writes files into a folder and gives a config; ``{tmp}``
stands for the folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from malformed_cases import Case, enter_into

MALFORMED: list[Case] = []
malformed = enter_into(MALFORMED)
WILD_TYPE = "MKLVACDEFG"


def config(
    folder: Path,
    table: str | bytes = "variant,score\nK2R,1\nV4W,2\n",
    *,
    wild_type: str | None = f">w\n{WILD_TYPE}\n",
    entry: dict[str, Any] | None = None,
    sections: dict[str, Any] | None = None,
    **ingest: Any,
) -> dict[str, Any]:
    """A config of one run on this table and wild type."""
    (folder / "wt.fa").write_text(wild_type or "")
    fasta = None if wild_type is None else {"path": str(folder / "wt.fa")}
    path = folder / "t.csv"
    path.write_bytes(table if isinstance(table, bytes) else table.encode())
    given = {
        "source": {"path": str(path)},
        "variant_column": "variant",
        "columns": {"score": "score"},
    } | (entry or {})
    run: dict[str, Any] = {
        "task": "protein_fitness",
        "ingest": {"inputs": [given], "wild_type": fasta} | ingest,
    }
    return {"runs": {"run": run | (sections or {})}}


@malformed("{tmp}/t.csv: the table has no column variant; allowed: mutant, score")
def column_of_variants_is_missing(folder):
    return config(folder, "mutant,score\nK2R,1\n")


@malformed(
    "{tmp}/t.csv: the table has no column score; allowed: variant, Score; fix: did you mean Score?"
)
def column_of_scores_is_missing(folder):
    return config(folder, "variant,Score\nK2R,1\n")


@malformed(
    "nothing to learn: all 2 values of the target score are equal; found '1.5'; "
    "fix: check that columns names the measurement"
)
def scores_that_are_all_equal(folder):
    return config(folder, "variant,score\nK2R,1.5\nV4W,1.5\nV4A,\n", max_rejected_fraction=0.5)


@malformed("{tmp}/t.csv: the table has a header but no rows")
def table_without_rows(folder):
    return config(folder, "variant,score\n")


@malformed(
    "{tmp}/t.csv, record 'row2', row 2, column score: label is not a number; found 'high'; "
    "allowed: numbers, or empty"
)
def score_is_a_word(folder):
    return config(folder, "variant,score\nK2R,1\nV4W,high\n")


@malformed(
    "{tmp}/t.csv, record 'row1', row 1, column score: label is not a number; found '1,5'; "
    "allowed: numbers, or empty; fix: write a point for the decimal comma"
)
def score_with_a_decimal_comma(folder):
    return config(folder, 'variant,score\nK2R,"1,5"\n')


@malformed(
    "{tmp}/t.csv, record 'row1': 3 of the first 3 mutated rows do not fit the wild type; "
    "found 'K12R'; allowed: 1 to 10; fix: set first: 11, under which all letters are the wild "
    "type's"
)
def all_positions_beyond_the_end(folder):
    return config(folder, "variant,score\nK12R,1\nV14W,2\nD17A,3\n")


@malformed(
    "{tmp}/t.csv, record 'row1': 3 of the first 3 mutated rows do not fit the wild type; "
    "found 'M2R'; allowed: K at 2; fix: set first: 2, under which all letters are the wild type's"
)
def numbers_shifted_by_one(folder):
    return config(folder, "variant,score\nM2R,1\nV5W,2\nD8A,3\n")


@malformed(
    "{tmp}/t.csv, record 'row1': 3 of the first 3 mutated rows do not fit the wild type; "
    "found 'W1R'; allowed: M at 1; fix: give the wild type of this table, and the number of its "
    "first letter as first"
)
def another_wild_type(folder):
    return config(folder, "variant,score\nW1R,1\nW2A,2\nW10A,3\n")


@malformed(
    "{tmp}/t.csv, record 'row2', row 2: 1 of 3 records are rejected, 1 for: not the wild "
    "type's letter; the first; found 'A2R (wild type: K at 2)'; allowed: rejected up to 0.1 of "
    "all; fix: give the wild type of this table, and the number of its first residue"
)
def one_wrong_letter_of_three(folder):
    return config(folder, "variant,score\nK2R,1\nA2R,2\nV4W,3\n")


@malformed(
    "{tmp}/t.csv, record 'row2', row 2: 1 of 2 records are rejected, 1 for: outside the "
    "wild type; the first; found 'A99G'; allowed: rejected up to 0.1 of all; fix: give the number "
    "of the wild type's first residue as first"
)
def a_position_beyond_the_end(folder):
    return config(folder, "variant,score\nK2R,1\nA99G,2\n")


@malformed(
    "{tmp}/t.csv, record 'row1', row 1: no record is left: all 2 records are rejected, "
    "2 for: stop codon; the first; found 'K2*'; allowed: rejected up to 0.1 of all; fix: leave "
    "out what is cut short, or raise max_rejected_fraction"
)
def nothing_but_stops(folder):
    return config(folder, "variant,score\nK2*,1\nL3Ter,2\n")


@malformed(
    "{tmp}/t.csv, record 'row2', row 2: 2 of 3 records are rejected, 2 for: repeats an "
    "earlier variant; the first; found 'the sequence of row1'; allowed: rejected up to 0.1 of "
    "all; fix: set repeats: mean, or name the replicates by replicate_column"
)
def the_same_variant_thrice(folder):
    return config(folder, "variant,score\nK2R,1\nK2R,2\nLys2Arg,3\n")


@malformed(
    "{tmp}/t.csv, record 'row1', row 1: no record is left: all 2 records are rejected, "
    "2 for: not a mutation; the first; found 'MRLVACDEFG'; allowed: rejected up to 0.1 of all; "
    "fix: write mutations as A24G,D40V, or give sequences by sequence_column"
)
def sequences_in_the_column_of_mutations(folder):
    return config(folder, "variant,score\nMRLVACDEFG,1\nMKLVACDEFW,2\n")


@malformed(
    "{tmp}/t.csv, record 'row1', row 1, letter 3: no record is left: all 2 records are "
    "rejected, 2 for: letter outside the alphabet; the first; found '-'; allowed: rejected up to "
    "0.1 of all; fix: these look like alignments: remove the gaps"
)
def sequences_with_gaps(folder):
    entry = {"variant_column": None, "sequence_column": "variant"}
    return config(folder, "variant,score\nMK-VAC,1\nMK--AC,2\n", entry=entry)


@malformed(
    "{tmp}/t.csv: these look like nucleotides; found 'ATGAAACTG'; allowed: amino acids; "
    "fix: translate them"
)
def sequences_of_dna(folder):
    entry = {"variant_column": None, "sequence_column": "variant"}
    return config(folder, "variant,score\nATGAAACTG,1\nATGAAACTC,2\n", entry=entry)


@malformed("{tmp}/wt.fa, record 'w', position 4: not a letter of the alphabet; found '-'; "
           "allowed: the 20 amino acids, U, O, B, J, X, Z and * (stop)")  # fmt: skip
def wild_type_with_a_letter_that_is_none(folder):
    return config(folder, wild_type=">w\nMKL-AC\n")


@malformed("{tmp}/wt.fa, record 'w': these look like nucleotides; "
           "found 'ATGAAACTGGTTGCATGCGA'; allowed: amino acids; fix: translate them")  # fmt: skip
def wild_type_of_dna(folder):
    return config(folder, wild_type=">w\nATGAAACTGGTTGCATGCGA\n")


@malformed(
    "{tmp}/t.csv, record 'row1', row 1: no record is left: all 2 records are rejected, 2 for: of "
    "another length than the wild type; the first; found 'K2del'; allowed: rejected up to 0.1 of "
    "all; fix: leave out insertions and deletions, or raise max_rejected_fraction; without a wild "
    "type, sequences of several lengths can be read"
)
def deletions(folder):
    return config(folder, "variant,score\nK2del,1\nK2-,2\n")


@malformed("{tmp}/wt.fa, record 'w', position 3: a stop codon within the wild type")
def wild_type_with_a_stop(folder):
    return config(folder, wild_type=">w\nMK*VACDEFG\n")


@malformed(
    "{tmp}/wt.fa, line 3: more than one sequence, where the wild type is needed; found 'other'; "
    "allowed: one FASTA record"
)
def two_wild_types(folder):
    return config(folder, wild_type=">w\nMKLVAC\n>other\nMKL\n")


@malformed(
    "{tmp}/t.csv, record 'row2', row 2, column err: an error or weight below 0; found '-1'; "
    "allowed: 0 up"
)
def a_negative_error(folder):
    table = "variant,score,err\nK2R,1,1\nV4W,2,-1\n"
    return config(folder, table, entry={"error_column": "err"})


@malformed("all weights are 0")
def weights_of_nothing(folder):
    table = "variant,score,n\nK2R,1,0\nV4W,2,0\n"
    return config(folder, table, entry={"weight_column": "n"})


@malformed("no row has an error or weight; fix: leave the column out")
def errors_all_missing(folder):
    table = "variant,score,err\nK2R,1,\nV4W,2,NA\n"
    return config(folder, table, entry={"error_column": "err"})


@malformed(
    "record 'row2': rows of one variant are in two splits; found 'test'; allowed: train, as of row1"
)
def replicates_in_two_folds(folder):
    table = "variant,score,rep,fold\nK2R,1,a,train\nK2R,2,b,test\nV4W,3,a,test\n"
    entry = {"replicate_column": "rep", "split_column": "fold"}
    return config(folder, table, entry=entry)


@malformed(
    "{tmp}/t.csv, record 'row2', row 2, column fold: official fold not understood; found 'tset'; "
    "allowed: train, val, test, or empty; fix: did you mean test?"
)
def fold_misspelt(folder):
    table = "variant,score,fold\nK2R,1,train\nV4W,2,tset\n"
    return config(folder, table, entry={"split_column": "fold"})


@malformed(
    "{tmp}/t.csv, record 'row2', row 2: 1 of 2 records are rejected, 1 for: a place is "
    "changed twice; the first; found 'K2R:K2W (place 2)'; allowed: rejected up to 0.1 of all"
)
def a_place_changed_twice(folder):
    return config(folder, "variant,score\nV4W,1\nK2R:K2W,2\n")


@malformed("the target score has no label in any record; fix: give it in 'labels' or 'columns' "
           "of an input")  # fmt: skip
def no_scores_at_all(folder):
    return config(folder, entry={"columns": {"other": "score"}},
                  sections={"targets": {"names": ["score", "other"]}})  # fmt: skip


@malformed(
    "{tmp}/t.csv, row 2: the row has 3 fields, the header 2; found 'V4W,2,3'; fix: quote fields "
    "that hold the delimiter"
)
def a_row_too_long(folder):
    return config(folder, "variant,score\nK2R,1\nV4W,2,3\n")


CONFIG = "key runs.run"


@malformed(
    f"{CONFIG}.ingest: inputs[0].variant_column needs wild_type or wild_type_sequence",
    step="config",
)
def mutations_of_nothing(folder):
    data = config(folder)
    del data["runs"]["run"]["ingest"]["wild_type"]
    return data


@malformed(
    f"{CONFIG}.ingest.inputs.0: give variant_column or sequence_column, one of them", step="config"
)
def mutations_and_sequences(folder):
    return config(folder, entry={"sequence_column": "s"})


@malformed(
    f"{CONFIG}.ingest.inputs.0: two sources of weights: error_column and weight_column",
    step="config",
)
def errors_and_weights(folder):
    return config(folder, entry={"error_column": "a", "weight_column": "b"})


@malformed(f"{CONFIG}: variants needs DNA: task dna_sequence", step="config")
def variants_of_a_genome(folder):
    vcf = {"format": "vcf", "source": {"path": "v"}, "genome": {"path": "g"}}
    return config(folder, sections={"variants": {"mine": vcf}})


@malformed(f"{CONFIG}: model.reverse_complement needs DNA: a protein has one strand", step="config")
def both_strands_of_a_protein(folder):
    return config(folder, sections={"model": {"preset": "cnn", "reverse_complement": True}})


@malformed(
    f"{CONFIG}: train.augment.reverse_complement needs DNA: a protein has one strand",
    step="config",
)
def other_strand_of_a_protein(folder):
    return config(folder, sections={"train": {"augment": {"reverse_complement": True}}})


@malformed(f"{CONFIG}: split.method chromosome needs DNA cut from a genome", step="config")
def chromosomes_of_a_protein(folder):
    split = {"method": "chromosome", "test_chromosomes": ["chr1"]}
    return config(folder, sections={"split": split})


@malformed(
    f"{CONFIG}.ingest.inputs.0.genome: unknown key; allowed: source, name, labels, columns, split, "
    "split_column, group_column, format, variant_column, sequence_column, id_column, "
    "replicate_column, error_column, weight_column; fix: did you mean name?",
    step="config",
)
def a_genome_of_a_protein(folder):
    return config(folder, entry={"genome": {"path": "g.fa"}})


@malformed(f"{CONFIG}: train.loss rank needs targets.kind regression", step="config")
def ranks_of_classes(folder):
    targets = {"kind": "binary", "names": ["score"]}
    return config(folder, sections={"train": {"loss": "rank"}, "targets": targets})


@malformed(f"{CONFIG}: baselines.pairwise needs ingest.wild_type", step="config")
def pairs_without_a_wild_type(folder):
    data = config(folder, entry={"variant_column": None, "sequence_column": "s"},
                  sections={"baselines": {"pairwise": True}})  # fmt: skip
    del data["runs"]["run"]["ingest"]["wild_type"]
    return data


@malformed(
    f"{CONFIG}: model.preset residue_cnn gives an output for each residue; task "
    "protein_fitness takes preset variants, or layers of your own",
    step="config",
)
def a_preset_of_residues(folder):
    return config(folder, sections={"model": {"preset": "residue_cnn"}})


@malformed(
    f"{CONFIG}.ingest: two wild types: wild_type and wild_type_sequence",
    step="config",
)
def a_wild_type_twice(folder):
    return config(folder, wild_type_sequence=WILD_TYPE)


@malformed(
    f"{CONFIG}.ingest.wild_type_sequence: string should match pattern '^[A-Za-z]+\\*?$'; "
    "found 'data/wt.fa'",
    step="config",
)
def a_path_as_a_sequence(folder):
    return config(folder, wild_type=None, wild_type_sequence="data/wt.fa")


@malformed(
    "record 'wild_type_sequence': these look like nucleotides; found 'AUGAAACUGGUUGCAUGCGA'; "
    "allowed: amino acids; fix: translate them"
)
def sequence_of_no_amino_acids(folder):
    return config(folder, wild_type=None, wild_type_sequence="AUGAAACUGGUUGCAUGCGA")
