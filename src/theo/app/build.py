"""Which build this is: what journals, backups and the interface say that they are of."""

from theo import __version__

BUILD = f"theo {__version__}"
