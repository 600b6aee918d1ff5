"""pyfaidx: get_seq an interval (as raw strings, its fast form)."""

import pyfaidx
import worker


def extract(job):
    genome = pyfaidx.Fasta(worker.fasta(job), as_raw=True, sequence_always_upper=True)
    return worker.time_one_by_one(
        job,
        lambda interval: genome.get_seq(interval[0], interval[1] + 1, interval[2]),
        worker.intervals(job),
        "str",
        worker.codes_of_text,
    )


worker.main({"extract": extract})
