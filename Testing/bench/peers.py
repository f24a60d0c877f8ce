"""Other registration programs, each called as its documentation advises; run in the environment of `make bench-peers`.

    python peers.py METHOD FIXED MOVING OUTPUT_FOLDER THREADS

One method per process, so that its peak memory is its own. Reading files and importing packages is not timed.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from outcome import write_refusal, write_registration


class NotApplicable(Exception):
    """The method cannot register this pair; the text says why."""


def initial(fixed_file, moving_file, threads):
    """No registration: the images as they are."""
    return lambda: sitk.Transform(3, sitk.sitkIdentity)


def affine(fixed_file, moving_file, threads):
    """SimpleITK: affine, Mattes mutual information, three levels."""
    fixed, moving = _read(fixed_file), _read(moving_file)
    return lambda: _affine(fixed, moving)


def demons(fixed_file, moving_file, threads):
    """SimpleITK: affine, then diffeomorphic demons in three levels after histogram matching."""
    fixed, moving = _read(fixed_file), _read(moving_file)

    def register():
        start = _affine(fixed, moving)
        resampled = sitk.HistogramMatching(_resampled(moving, fixed, start), fixed, 256, 12, True)
        field = sitk.Image(fixed.GetSize(), sitk.sitkVectorFloat64, 3)
        field.CopyInformation(fixed)
        for shrink, iterations in ((4, 60), (2, 40), (1, 25)):
            coarse_fixed, coarse_moving = _shrunk(fixed, shrink), _shrunk(resampled, shrink)
            method = sitk.DiffeomorphicDemonsRegistrationFilter()
            method.SetNumberOfIterations(iterations)
            method.SetSmoothDisplacementField(True)
            method.SetStandardDeviations(1.5)
            field = method.Execute(coarse_fixed, coarse_moving, sitk.Resample(field, coarse_fixed))
            field = sitk.Resample(sitk.Cast(field, sitk.sitkVectorFloat64), fixed)
        return sitk.CompositeTransform([start, sitk.DisplacementFieldTransform(field)])

    return register


def greedy(fixed_file, moving_file, threads):
    """Greedy (picsl-greedy): affine then deformable, both with local cross-correlation, three levels.

    Its coarsest level needs four slices, so thin stacks are registered in two levels.
    """
    return _greedy(fixed_file, moving_file, threads, own_affine=True)


def greedy_after_affine(fixed_file, moving_file, threads):
    """Greedy's deformable stage after the affine method above, which finds its way where greedy's own does not."""
    return _greedy(fixed_file, moving_file, threads, own_affine=False)


def _greedy(fixed_file, moving_file, threads, own_affine):
    from picsl_greedy import Greedy3D

    fixed, moving = _read(fixed_file), _read(moving_file)

    def register():
        program = Greedy3D()
        iterations = "60x40x20" if min(fixed.GetSize() + moving.GetSize()) > 12 else "60x40"
        common = f"-threads {threads} -d 3 -i fixed moving -m NCC 2x2x2 -n {iterations}"
        matrix = f"{tempfile.mkdtemp()}/affine.mat"
        if own_affine:
            program.execute(f"{common} -a -dof 12 -ia-image-centers -o {matrix}", fixed=fixed, moving=moving)
        else:
            np.savetxt(matrix, _ras_matrix(_affine(fixed, moving)))
        program.execute(f"{common} -it {matrix} -s 2vox 0.7vox -o warp", fixed=fixed, moving=moving, warp=None)
        program.execute(f"-d 3 -rf fixed -rm moving resliced -r warp {matrix} -rc whole", resliced=None, whole=None)
        return _field_transform(sitk.GetArrayFromImage(program["whole"]), fixed)

    return register


def _ras_matrix(transform: sitk.Transform) -> np.ndarray:
    """4x4 matrix in RAS millimeters, as greedy keeps affine transforms, of a linear transform in LPS millimeters."""
    start = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    columns = [np.array(transform.TransformPoint(tuple(axis))) - start for axis in np.eye(3)]
    lps = np.eye(4)
    lps[:3, :3], lps[:3, 3] = np.column_stack(columns), start
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    return flip @ lps @ flip


def _ants(**options):
    def prepare(fixed_file, moving_file, threads):
        import ants

        fixed, moving = ants.image_read(str(fixed_file)), ants.image_read(str(moving_file))

        def register():
            folder = tempfile.mkdtemp()
            found = ants.registration(fixed, moving, outprefix=f"{folder}/a", random_seed=1, **options)
            whole = ants.apply_transforms(fixed, moving, found["fwdtransforms"], compose=f"{folder}/whole")
            return sitk.DisplacementFieldTransform(sitk.ReadImage(whole, sitk.sitkVectorFloat64))

        return register

    return prepare


def elastix(fixed_file, moving_file, threads):
    """Elastix 5 (itk-elastix): its default affine and B-spline maps, 16 mm control points, 500 iterations a level."""
    import itk

    itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(threads)
    fixed, moving = itk.imread(str(fixed_file), itk.F), itk.imread(str(moving_file), itk.F)
    reference = _read(fixed_file)

    def register():
        parameters = itk.ParameterObject.New()
        parameters.AddParameterMap(parameters.GetDefaultParameterMap("affine", 4))
        spline = parameters.GetDefaultParameterMap("bspline", 4, 16.0)
        spline["MaximumNumberOfIterations"] = ["500"]
        parameters.AddParameterMap(spline)
        _, found = itk.elastix_registration_method(fixed, moving, parameter_object=parameters, log_to_console=False)
        return _field_transform(itk.array_from_image(itk.transformix_deformation_field(moving, found)), reference)

    return register


def convexadam(fixed_file, moving_file, threads):
    """ConvexAdam (MIND features) on the affinely resampled pair."""
    import torch
    from convexAdam.convex_adam_MIND import convex_adam_pt

    torch.set_num_threads(threads)
    fixed, moving = _read(fixed_file), _read(moving_file)
    if min(fixed.GetSize()) <= 12:
        raise NotApplicable("its kernels need more than 12 slices")

    def register():
        start = _affine(fixed, moving)
        arrays = (sitk.GetArrayFromImage(image) for image in (fixed, _resampled(moving, fixed, start)))
        voxels = convex_adam_pt(*arrays, device=torch.device("cpu"), dtype=torch.float32)  # (z, y, x, 3), array order
        axes = np.array(fixed.GetDirection()).reshape(3, 3) * np.array(fixed.GetSpacing())
        return sitk.CompositeTransform([start, _field_transform(np.asarray(voxels)[..., ::-1] @ axes.T, fixed)])

    return register


METHODS = {
    "initial": initial,
    "affine": affine,
    "demons": demons,
    "greedy": greedy,
    "greedy-after-affine": greedy_after_affine,
    "ants-syn": _ants(type_of_transform="SyN"),
    "ants-syncc": _ants(type_of_transform="SyNCC"),
    "elastix": elastix,
    "convexadam": convexadam,
}


def _read(path) -> sitk.Image:
    return sitk.ReadImage(str(path), sitk.sitkFloat32)


def _grid(image: sitk.Image):
    return image.GetSize(), image.GetOrigin(), image.GetSpacing(), image.GetDirection()


def _affine(fixed: sitk.Image, moving: sitk.Image) -> sitk.Transform:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.2, 1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-3, 100)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    centered = sitk.CenteredTransformInitializerFilter.GEOMETRY
    transform = sitk.CenteredTransformInitializer(fixed, moving, sitk.AffineTransform(3), centered)
    method.SetInitialTransform(transform, inPlace=True)
    method.Execute(fixed, moving)
    return transform


def _resampled(moving: sitk.Image, fixed: sitk.Image, transform: sitk.Transform) -> sitk.Image:
    background = float(sitk.GetArrayViewFromImage(moving).min())
    return sitk.Resample(moving, fixed, transform, sitk.sitkLinear, background)


def _shrunk(image: sitk.Image, factor: int) -> sitk.Image:
    """Smoothed with half the factor in voxels and shrunk; an axis keeps at least eight voxels."""
    factors = [max(1, min(factor, size // 8)) for size in image.GetSize()]
    if max(factors) == 1:
        return image
    sigmas = [max(0.5 * f, 1e-3) * s if f > 1 else 1e-3 * s for f, s in zip(factors, image.GetSpacing())]
    return sitk.Shrink(sitk.DiscreteGaussian(image, [sigma**2 for sigma in sigmas]), factors)


def _field_transform(displacement: np.ndarray, reference: sitk.Image) -> sitk.Transform:
    """From physical displacements (z, y, x, 3), components x, y, z in LPS mm, on the grid of `reference`."""
    field = sitk.GetImageFromArray(np.ascontiguousarray(displacement, dtype=np.float64), isVector=True)
    field.CopyInformation(reference)
    return sitk.DisplacementFieldTransform(field)


def main() -> None:
    """Run one method on one pair."""
    method, fixed, moving, folder, threads = sys.argv[1], *map(Path, sys.argv[2:5]), int(sys.argv[5])
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    try:
        register = METHODS[method](fixed, moving, threads)
    except NotApplicable as reason:
        write_refusal(folder, str(reason))
    else:
        write_registration(folder, register)


if __name__ == "__main__":
    main()
