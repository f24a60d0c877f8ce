"""The parts of SAMRegistrationLogic, the one door between the module and the library; a class for every concern.

They have no widget in them. What computes is imported when it is needed, so that loading the module stays quick.
"""
