"""In the confined process: load a model with ONNX Runtime and put slices through it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from processing.enhancement.onnx.graph import asked_by, ensure_taken
from processing.errors import InputError

_FLOAT = "tensor(float)"


def clean(arguments: dict[str, Any], tell: Callable[[Any], None]) -> dict[str, Any]:
    """Put every slice of an array through a model.

    arguments: model, source and target (files), level (of the noise, None where the model takes none), slices,
    multiple, threads. source holds scaled slices as .npy; target gets what the model gives. Tells slices done.
    InputError, in words, if the model cannot be taken or does not fit.
    """
    ensure_taken(asked_by(Path(arguments["model"]).read_bytes()))
    session = _session(arguments["model"], arguments["threads"])
    _ensure_fits(session, arguments["slices"], arguments["level"] is not None)
    names = [one.name for one in session.get_inputs()]
    source = np.load(arguments["source"], allow_pickle=False, mmap_mode="r")
    out, reach, multiple = np.empty(source.shape, np.float32), arguments["slices"] // 2, arguments["multiple"]
    rows, columns = source.shape[1:]
    padding = [(0, 0), *((0, max(8, n + -n % multiple) - n) for n in (rows, columns))]
    for index in range(len(source)):
        around = np.clip(np.arange(index - reach, index + reach + 1), 0, len(source) - 1)
        image = np.pad(source[around], padding, mode="symmetric").astype(np.float32)[None]
        given = {names[0]: image}
        if arguments["level"] is not None:
            given[names[1]] = np.full((1, 1, 1, 1), arguments["level"], np.float32)
        out[index] = _run(session, given, image.shape[2:])[:rows, :columns]
        tell(index + 1)
    np.save(arguments["target"], out, allow_pickle=False)
    return {}


def _session(model: str, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError("Models in ONNX need ONNX Runtime: pip install -r requirements/onnx.txt.") from error

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions have no common class, and their texts name files
        raise InputError(
            "ONNX Runtime does not load the model: an operator, a version of one, or a shape is not what it knows; "
            "export it again for a common opset."
        ) from error


def _ensure_fits(session: Any, slices: int, noise_level: bool) -> None:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 + noise_level or len(outputs) != 1:
        raise InputError(
            f"The model has {len(inputs)} inputs and {len(outputs)} outputs; its manifest says {1 + noise_level} and 1."
        )
    if any(one.type != _FLOAT for one in (*inputs, *outputs)):
        raise InputError("The model does not compute in float32 from input to output; export it in float32.")
    shape, given = inputs[0].shape, outputs[0].shape
    if len(shape) != 4 or len(given) != 4:
        raise InputError("Input and output of the model need four axes: batch, slices, rows, columns.")
    if isinstance(shape[0], int) and shape[0] != 1:
        raise InputError(f"The model takes batches of {shape[0]} only; export it for one, or with a dynamic axis.")
    if isinstance(shape[1], int) and shape[1] != slices:
        raise InputError(f"The model takes {shape[1]} slices at once; its manifest says {slices}.")
    if fixed := [n for n in shape[2:] if isinstance(n, int)]:
        raise InputError(
            f"The model takes {' × '.join(map(str, fixed))} pixels only; export it with dynamic rows and columns."
        )


def _run(session: Any, given: dict[str, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    try:
        (found,) = session.run(None, given)
    except Exception as error:  # as above
        raise InputError("The model failed on a slice: ONNX Runtime could not compute it.") from error
    if found.shape != (1, 1, *shape):
        raise InputError(
            f"The model made {' × '.join(map(str, found.shape))} of one slice of {' × '.join(map(str, shape))}; it "
            "must give one slice of the same size."
        )
    if not np.isfinite(found).all():
        raise InputError("The model gave values that are no numbers.")
    return found[0, 0]
