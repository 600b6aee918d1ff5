"""kipoiseq: FastaStringExtractor, one_hot_dna."""

import numpy as np
import worker
from kipoiseq import Interval
from kipoiseq.extractors import FastaStringExtractor
from kipoiseq.transforms.functional import one_hot_dna


def extract(job):
    extractor = FastaStringExtractor(worker.fasta(job), force_upper=True)
    records = [Interval(*interval) for interval in worker.intervals(job)]
    return worker.time_one_by_one(job, extractor.extract, records, "str", worker.codes_of_text)


def one_hot(job):
    return worker.time_chunks(
        job,
        lambda chunk: [one_hot_dna(sequence) for sequence in chunk],
        worker.chunked(worker.texts(job)),
        "float32 (length, 4)",
        lambda arrays: worker.codes_of_one_hot(np.stack(arrays), 2),
    )


worker.main({"extract": extract, "one_hot": one_hot})
