"""What must not stand in a log."""

import logging
import re

_SECRET_ADDRESSES = re.compile(r"(/hooks/[a-z]+/)[^/\s\"']+")


class HideSecretAddresses(logging.Filter):
    """Takes the secret out of the addresses that programs call: Django writes an address that it refuses."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        hidden = _SECRET_ADDRESSES.sub(r"\1…", said)
        if hidden != said:
            record.msg, record.args = hidden, ()
        return True
