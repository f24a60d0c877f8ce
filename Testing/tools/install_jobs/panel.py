"""Open the module's panel in the stand-in application and save its picture: panel.py REPOSITORY PICTURE."""

import sys
from pathlib import Path

ROOT = Path(sys.argv[1])


def main():
    """Show the module and see that its panel has something on it."""
    import Host

    application = Host.start(testing=True)
    try:
        import slicer

        Host.load_module(ROOT / "SAMRegistration" / "SAMRegistration.py")
        window = slicer.util.mainWindow()
        window.show()
        slicer.app.processEvents()
        assert slicer.modules.SAMRegistrationWidget.ui.registerButton.text
        picture = window.grab()
        colors = {picture.toImage().pixel(x, y) for x in range(0, picture.width(), 7) for y in range(0, 700, 7)}
        assert len(colors) > 20, f"the window is blank: {len(colors)} colors"
        picture.save(sys.argv[2])
    finally:
        application._shut_down()


if __name__ == "__main__":
    main()
