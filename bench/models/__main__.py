"""python -m models [CACHE]: builds all networks and says where they are."""
import pathlib
import sys

import models

for name in models.names():
    try:
        print(models.build(name, pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "bench/out/models")), flush=True)
    except FileNotFoundError as e:
        print(f"{name}: skipped: {e}")
