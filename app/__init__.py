"""Naru: résumés into encrypted, searchable candidate profiles."""

import os

# numpy's BLAS reads it when it is loaded. For a sentence at a time one thread is twice as fast as two, which
# the embedder would start and stop around each.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
