"""JPEG lossless (ITU-T T.81, process 14) for pydicom, decoded by the GDCM that SimpleITK carries."""

from __future__ import annotations

import os
from io import BytesIO

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders import JPEGLosslessDecoder, JPEGLosslessSV1Decoder
from pydicom.pixels.decoders.base import DecodeRunner
from pydicom.uid import UID, JPEGLossless, JPEGLosslessSV1, SecondaryCaptureImageStorage, generate_uid

DECODER_DEPENDENCIES = dict.fromkeys((JPEGLossless, JPEGLosslessSV1), ("simpleitk",))


def register() -> None:
    """Makes pydicom decode both transfer syntaxes of JPEG lossless this way, whatever else is installed."""
    for decoder in (JPEGLosslessDecoder, JPEGLosslessSV1Decoder):
        for other in decoder.available_plugins:
            decoder.remove_plugin(other)
        decoder.add_plugin("simpleitk", (__name__, "decode_frame"))


def is_available(uid: UID) -> bool:
    return uid in DECODER_DEPENDENCIES


def decode_frame(frame: bytes, runner: DecodeRunner) -> bytes:
    """Pixels of one grey frame, little endian, as wide as the header says. Raises where GDCM does, or in colour.

    GDCM reads files only: the frame is wrapped in a header without anything of the original, in memory.
    """
    import SimpleITK as sitk  # noqa: N813  seldom needed, slow to import

    if runner.samples_per_pixel != 1:
        raise ValueError("JPEG lossless in colour is not read.")
    signed, bytes_ = bool(runner.pixel_representation), runner.bits_allocated // 8
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    file = os.memfd_create("frame")
    try:
        with open(file, "wb", closefd=False) as stream:
            stream.write(_wrapped(frame, runner))
        reader.SetFileName(f"/proc/self/fd/{file}")
        pixels = sitk.GetArrayFromImage(reader.Execute())
    finally:
        os.close(file)
    return pixels.astype(f"<{'i' if signed else 'u'}{bytes_}").tobytes()


def _wrapped(frame: bytes, runner: DecodeRunner) -> bytes:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = runner.transfer_syntax
    dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    dataset.Rows, dataset.Columns = runner.rows, runner.columns
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored = runner.bits_allocated, runner.bits_stored
    dataset.HighBit, dataset.PixelRepresentation = runner.bits_stored - 1, runner.pixel_representation
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
