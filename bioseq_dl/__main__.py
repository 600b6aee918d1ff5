"""``python -m bioseq_dl``: the same as ``bioseq-dl``."""

import sys

from bioseq_dl.cli.main import main

sys.exit(main())
