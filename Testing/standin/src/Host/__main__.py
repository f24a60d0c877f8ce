"""python -m Host MODULE.py: show a scripted module beside slice and 3D views, or render it, without 3D Slicer."""

import argparse
import os
import sys
import traceback
from pathlib import Path

from . import HostError, load_module, start


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m Host", description=__doc__.split(": ", 1)[1])
    parser.add_argument("module", metavar="MODULE.py", help="file of a scripted module; its folder is put on sys.path")
    parser.add_argument("--scene", metavar="S", action="append", default=[], help="scene or data file to load (repeat)")
    parser.add_argument("--exec", metavar="SCRIPT", help="Python file to run when all is loaded")
    parser.add_argument("--screenshot", metavar="PNG", help="write a picture of the window and leave")
    parser.add_argument("--run-tests", action="store_true", help="run the module's test class and leave")
    parser.add_argument("--size", metavar="WxH", default="1400x900", help="size of the window (default: %(default)s)")
    parser.add_argument("--no-main-window", action="store_true", help="no window and no views; the panel is not shown")
    options = parser.parse_args(arguments)
    if options.no_main_window and options.screenshot:
        parser.error("there is no picture without the main window")
    return options


def main(arguments=None):
    """Returns the exit status: 0, 1 when a test or script failed, 2 when the host can not run."""
    options = parse(arguments)
    automatic = bool(options.screenshot or options.run_tests)
    offscreen = os.environ.get("QT_QPA_PLATFORM") == "offscreen"
    try:
        for path in (options.module, *options.scene, *filter(None, [options.exec])):
            if not Path(path).is_file():
                raise HostError(f"There is no file {path}.")
        application = start(offscreen, automatic, main_window=not options.no_main_window)
        width, height = (int(part) for part in options.size.split("x"))
        return run(application, options, width, height)
    except HostError as error:
        print(f"Host: {error}", file=sys.stderr)
        return 2


def run(application, options, width, height):
    import slicer

    window = slicer.util.mainWindow()
    if window is not None:
        window.resize(width, height)
        window.show()
    try:
        module = load_module(options.module)
        application.processEvents()
        for path in options.scene:
            load(path)
        if options.exec:
            script = Path(options.exec)
            exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), {"__name__": "__main__"})
        application.processEvents()
        if options.run_tests:
            getattr(slicer.modules, f"{module.objectName}Instance").runTest(msec=0)
            print(f"The tests of {module.objectName} passed.")
        if options.screenshot and not window.grab().save(options.screenshot):
            raise HostError(f"The picture {options.screenshot} can not be written.")
        if not (options.screenshot or options.run_tests):
            application.exec()
        return 0
    except HostError:
        raise
    except Exception:  # noqa: BLE001  (whatever the module raises is shown, and the exit status tells)
        traceback.print_exc()
        return 1
    finally:
        application._shut_down()


def load(path):
    """Load a scene or data file and show what is in it."""
    import slicer

    if not slicer.app.coreIOManager().loadFile(path):
        raise HostError(f"The file {path} can not be loaded.")
    slicer.app.processEvents()


if __name__ == "__main__":
    sys.exit(main())
