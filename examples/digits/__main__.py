"""``python -m examples.digits``: seed the demo, or find where it stands, then wait for Ctrl-C."""

import signal
import sys

import django

from stack import config as configuration
from stack import processes
from stack.supervise import NotReady, wait_until_ready


def main() -> int:
    config = configuration.load()
    print("Waiting for Label Studio; its first start takes about half a minute.", flush=True)
    wanted = [processes.demo_label_studio(config), processes.ml_backend(config), processes.web(config)]
    try:
        for process in wanted:
            wait_until_ready(process, 300)
    except NotReady as error:
        print(error, file=sys.stderr)
        return 1
    django.setup()
    # Models can be imported only now.
    from examples.digits.loop import DemoFailed
    from examples.digits.seed import seed

    try:
        seed(config)
    except DemoFailed as error:
        print(f"The demo stopped. {error}", file=sys.stderr)
        return 1
    signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
