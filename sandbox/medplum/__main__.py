"""Runs the embedded Medplum until it is interrupted: `python -m sandbox.medplum medplum.env`.

The file is written once the server answers; it holds the settings of `medplum-migrate`, for a shell
to read: `. ./medplum.env`.
"""

import argparse
import signal
from pathlib import Path

from sandbox.medplum.server import EmbeddedMedplum


def main() -> None:
    """Start the server and wait."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.medplum", description=__doc__)
    parser.add_argument("settings", type=Path, help="file to write the settings to")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--data", type=Path, help="journal that keeps resources")
    told = parser.parse_args()
    log = told.settings.with_suffix(".log")
    with EmbeddedMedplum.start(log_path=log, port=told.port, data=told.data) as medplum:
        lines = {
            "MEDPLUM_BASE_URL": medplum.base_url,
            "MEDPLUM_CLIENT_ID": medplum.client_id,
            "MEDPLUM_CLIENT_SECRET": medplum.client_secret,
        }
        text = "".join(f"export {name}={value}\n" for name, value in lines.items())
        told.settings.write_text(text)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
