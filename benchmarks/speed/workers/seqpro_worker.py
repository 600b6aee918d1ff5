"""seqpro: ohe of many sequences a call."""

import seqpro
import worker


def one_hot(job):
    return worker.time_chunks(
        job,
        lambda chunk: seqpro.ohe(chunk, seqpro.DNA),
        [seqpro.cast_seqs(chunk.astype(str)) for chunk in worker.chunked(worker.sequences(job))],
        "uint8 (n, length, 4)",
        lambda array: worker.codes_of_one_hot(array, 2),
    )


worker.main({"one_hot": one_hot})
