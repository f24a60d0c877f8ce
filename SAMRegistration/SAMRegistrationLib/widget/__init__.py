"""The parts of the module's panel, one class per section; they may import qt, slicer and :mod:`..scene`.

Each gets the widgets of the .ui file, the logic, and a function that gives the parameter node (None while a scene is
being closed). No part does work of its own: it calls the logic.
"""
