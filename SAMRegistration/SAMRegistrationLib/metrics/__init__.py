"""How good a registration is: overlap and distance of labels, landmark errors, regularity of the deformation."""

from .deformation import DeformationStatistics, deformation_statistics, jacobian_image
from .displacement import displacement_magnitude
from .folds import Fold, find_folds, hatching
from .label_scores import StructureScores, compare_labels, dice, mask_dice
from .landmarks import pair_landmarks, target_registration_errors
from .summary import comparison_notes, mean_over_structures, measure
from .surfaces import SurfaceDistances, surface_distances

__all__ = [
    "DeformationStatistics",
    "Fold",
    "StructureScores",
    "SurfaceDistances",
    "compare_labels",
    "comparison_notes",
    "deformation_statistics",
    "dice",
    "displacement_magnitude",
    "find_folds",
    "hatching",
    "jacobian_image",
    "mask_dice",
    "mean_over_structures",
    "measure",
    "pair_landmarks",
    "surface_distances",
    "target_registration_errors",
]
