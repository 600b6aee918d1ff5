"""pysam: a FastaFile fetch an interval."""

import pysam
import worker


def extract(job):
    genome = pysam.FastaFile(worker.fasta(job))
    return worker.time_one_by_one(
        job,
        lambda interval: genome.fetch(*interval),
        worker.intervals(job),
        "str",
        worker.codes_of_text,
    )


worker.main({"extract": extract})
