"""Between the scene of 3D Slicer and the library: nodes to SimpleITK images in world coordinates (LPS mm) and back.

Of what computes, the only part that imports slicer and vtk. Everything here runs on the main thread, apart from what
:mod:`.masks` says may be prepared elsewhere.
"""
