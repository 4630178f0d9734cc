"""Train a network for one of the tasks: deterministic batches, checkpoints, resumption, a model folder as result."""

from __future__ import annotations

import copy
import hashlib
import io
import math
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save as save_tensors
from torch import Tensor

from processing.enhancement.losses import MC_SURE, check_loss, loss_named, mc_sure
from processing.enhancement.networks import samples
from processing.enhancement.networks.int8 import PREFIX, measure_ranges
from processing.enhancement.networks.model_record import gains, rows_of
from processing.enhancement.networks.registry import build
from processing.enhancement.networks.store import write_model, write_whole
from processing.enhancement.networks.unet import ResidualUNet
from processing.enhancement.tasks import DENOISE, INPAINT, RECONSTRUCT, RESTORE, check_task, samples_for, task_of
from processing.enhancement.training_config import digest, read_config
from processing.enhancement.training_log import TrainingLog
from processing.errors import InputError
from processing.metrics.structural_similarity import ssim_map
from processing.volume import Array

CHECKPOINT = "checkpoint.pt"
CONFIG = "config.toml"
_RANGE_BATCHES = 24
_BAR = 20  # characters
_PATCH = 0.5  # of a slice: where more was degraded, it is the whole slice
_WINDOW = 11  # pixels; SSIM needs them

_WORDS = {
    DENOISE: (
        "noisy",
        "denoised",
        "Rician noise of the given standard deviation (% of that percentile), which the network is told",
    ),
    RECONSTRUCT: ("zero-filled", "reconstructed", "from the given part of k-space, simulated with a smooth phase"),
}

Progress = Callable[[str], None]


def train(
    task: str,
    *,
    config: Path,
    data: Path,
    out: Path,
    progress: Progress | None = None,
    stop_at: int | None = None,
    device: str = "cpu",
) -> Path:
    """Train a network on the volumes of a folder.

    Parameters
    ----------
    task : str
        "denoise", "restore", "inpaint", "thin-slices" or "reconstruct"; the configuration names the same.
    config : Path
        TOML that describes network, data and training.
    data : Path
        Folder of the training volumes.
    out : Path
        Folder of the model.
    progress : callable, optional
        Called with each line that is said; by default they go to stderr.
    stop_at : int, optional
        Stop after this step, as if interrupted after a checkpoint.
    device : {"cpu", "cuda"}, default "cpu"
        Where the network computes; samples are made on the CPU.

    Returns
    -------
    Path
        The model folder ``out``.

    Raises
    ------
    InputError
        For an unknown task, a configuration that cannot be used, a device that is not there, or an ``out`` that holds
        the training of another configuration.

    Notes
    -----
    A training that was interrupted, however hard, goes on from its last checkpoint in ``out``, and ends with the same
    weights as one that was not: the batch of a step depends on the seed and the step alone, and the log is cut back to
    the checkpoint. A finished training is only written anew, with the words of [model] in ``config``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from processing.enhancement.training import train
    >>> train("tint", config=Path("config.toml"), data=Path("data"), out=Path("model"))
    Traceback (most recent call last):
        ...
    processing.errors.InputError: There is no task “tint”; choose denoise, restore, inpaint, thin-slices or reconstruct.
    """
    check_task(task)
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("There is no CUDA device here; use --device cpu.")
    say = progress or (lambda line: print(line, file=sys.stderr, flush=True))
    settings, text = read_config(config, task)
    for loss in settings["schedule"]["losses"]:
        check_loss(loss["name"], task_is_denoise=task == DENOISE, images_are_complex=task == RECONSTRUCT)
    samples.check_split(data, settings["data"], settings["seed"])
    _check_patch(settings)
    out.mkdir(parents=True, exist_ok=True)
    return _Training(settings, digest(settings), data, out, say, device).run(text, stop_at)


def _check_patch(settings: dict[str, Any]) -> None:
    patch, stride = settings["sampling"]["patch"], build(settings["network"]).stride
    if patch < 1 or patch % stride:
        raise InputError(f"The patch of {patch} pixels is no multiple of {stride}, which this network needs.")


class _Training:
    """State of one run: network, its exponential moving average, optimiser, step and seconds so far."""

    def __init__(
        self, settings: dict[str, Any], digest: str, data: Path, out: Path, say: Progress, device: str
    ) -> None:
        self.settings, self.digest, self.out, self.say = settings, digest, out, say
        self.schedule, self.device = settings["schedule"], device
        torch.manual_seed(settings["seed"])
        torch.set_num_threads(self.schedule["threads"])
        # Channels last is a third faster on CPUs with AVX-512.
        self.network = build(settings["network"]).to(device).to(memory_format=torch.channels_last)
        self.average = build(settings["network"]).to(device).eval()
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.Adam(self.network.parameters())
        self.step, self.seconds = 0, 0.0
        self.losses: list[float] = []  # since the last line of the log
        self.best: dict[str, Any] = {"score": -math.inf, "step": 0, "average": {}}
        self.stopped = False
        # Whole slices that are degraded need no margin around a patch.
        margin = 0 if task_of(settings) in (RESTORE, INPAINT) else 2 * samples.MARGIN
        least = settings["sampling"]["patch"] + margin
        self.sources, self.validation, self.test = (
            samples.load(data, settings["data"], part, smallest=least, seed=settings["seed"]) for part in samples.PARTS
        )
        self.sampler = samples_for(task_of(settings), self.sources, settings, self.network)

    def run(self, text: bytes, stop_at: int | None) -> Path:
        self._resume()
        write_whole(self.out / CONFIG, text)
        last = self.schedule["steps"]
        started, first = time.monotonic() - self.seconds, self.step
        began = epoch_began = time.monotonic()
        if self.step == last or self.stopped:
            self._save(self._measure(self.validation))
        batches = self._batches(self.step + 1)
        while self.step < last and not self.stopped:
            self.step += 1
            self.losses.append(self._update(next(batches)))
            if self.step % self.schedule["log_every"] == 0 or self.step == last:
                pace = (time.monotonic() - began) / (self.step - first)
                loss = float(np.mean(self.losses))
                self.losses.clear()
                self.log.update(self.step, loss=round(loss, 7), rate=round(self._rate(), 9))
                bar = f"{'█' * (_BAR * self.step // last):░<{_BAR}}"
                self.say(
                    f"{bar} step {self.step} of {last}, loss {loss:.5f}, {pace * 1e3:.0f} ms per step, "
                    f"{pace * (last - self.step) / 60:.1f} min left"
                )
            if self.step % self.schedule["epoch"] == 0 or self.step in (last, stop_at):
                self.seconds = time.monotonic() - started
                self._end_epoch(time.monotonic() - epoch_began)
                epoch_began = time.monotonic()
            if self.step == stop_at:
                break
        return self.out

    def _rate(self) -> float:
        """Cosine from the full rate to 1 % of it, after a linear warm-up; another cosine begins after each step of
        `restarts` (warm restarts, Loshchilov and Hutter 2017)."""
        begins = [0, *self.schedule.get("restarts", ())]
        cycle = bisect_left(begins, self.step) - 1
        first, last = begins[cycle], [*begins, self.schedule["steps"]][cycle + 1]
        full = [self.schedule["rate"], *self.schedule.get("restart_rates", ())][cycle]
        done = (self.step - 1 - first) / (last - first)
        warm = min(1.0, self.step / self.schedule["warm_up"])
        return full * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))

    def _batches(self, first: int) -> Iterator[samples.Batch]:
        """The batches from step `first` on, each made while the network learns from the one before."""
        with ThreadPoolExecutor(1) as pool:
            made = (pool.submit(self.sampler.batch, self.settings["seed"], step) for step in count(first))
            coming = next(made)
            while True:
                batch, coming = coming.result(), next(made)
                yield batch

    def _update(self, batch: samples.Batch) -> float:
        noisy, clean, sigma = (torch.from_numpy(a).to(self.device) for a in (batch.noisy, batch.clean, batch.sigma))
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        self.network.train()
        name = self._loss()
        with self._precision():
            if name == MC_SURE:
                probe = torch.randn(clean.shape, generator=torch.Generator().manual_seed(self.step)).to(self.device)
                loss = mc_sure(lambda seen: self.network(seen, sigma), noisy, sigma, probe)
            else:
                loss = loss_named(name)(self.network(noisy, sigma), clean)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        decay = min(self.schedule["average"], (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
            for mean, value in zip(self.average.buffers(), self.network.buffers(), strict=True):
                mean.copy_(value)
        return float(loss.detach())

    def _loss(self) -> str:
        """Name of the loss of this step: the first of the configuration's whose share of the steps is not over."""
        done = self.step / self.schedule["steps"]
        return str(next(loss["name"] for loss in self.schedule["losses"] if done <= loss["until"]))

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device, torch.bfloat16, enabled=self.schedule["precision"] == "bfloat16")

    def _end_epoch(self, seconds: float) -> None:
        pictures: list[tuple[Array, Array, Array]] = []
        metrics = self._measure(self.validation, pictures)
        self.log.epoch(self.step, metrics, seconds)
        self.log.pictures(self.step, pictures)
        words = (f"{k} {v['input_foreground']:.2f} → {v['output_foreground']:.2f} dB" for k, v in metrics.items())
        self.say(f"{seconds / 60:.1f} min for this epoch; validation, foreground: " + "; ".join(words))
        self._stop_early(metrics)
        self._save(self._measure(self.validation) if self.stopped else metrics)

    def _stop_early(self, metrics: dict[str, dict[str, float]]) -> None:
        """Stop, and go back to the best weights, where the mean foreground PSNR has not risen for `patience` epochs."""
        patience = self.schedule.get("patience", 0)
        if not patience:
            return
        score = float(np.mean([row["output_foreground"] for row in metrics.values()]))
        if score > self.best["score"]:
            average = {name: tensor.clone() for name, tensor in self.average.state_dict().items()}
            self.best = {"score": score, "step": self.step, "average": average}
        elif self.step - self.best["step"] >= patience * self.schedule["epoch"]:
            self.stopped = True
            self.average.load_state_dict(self.best["average"])
            self.say(f"stopped early: no better since step {self.best['step']}, whose weights are kept")

    @torch.no_grad()
    def _measure(
        self,
        sources: Sequence[samples.Source],
        pictures: list[tuple[Array, Array, Array]] | None = None,
        *,
        by_volume: bool = False,
    ) -> dict[str, dict[str, float]]:
        """Mean PSNR in dB (range 1 = 99.9th percentile), squared error and SSIM of input and output, of the whole
        slices, their foreground and, where less than all was degraded, the patch that was, and the loss of whole
        slices; per degradation and group, or volume.

        pictures: takes (input, output, truth) of the first slice of each.
        """
        table: dict[str, dict[str, list[float]]] = {}
        for case in self.sampler.cases(sources):
            seen = torch.from_numpy(np.ascontiguousarray(case.seen))[None]
            level = torch.from_numpy(np.array(case.sigma, np.float32, ndmin=4)).to(self.device)
            made = self.average(seen.to(self.device), level)
            output = _magnitude(made[0].cpu().numpy())
            name = f"{case.volume if by_volume else case.group} {case.degradation}"
            if pictures is not None and name not in table:
                pictures.append((case.input, output, case.truth))
            row = table.setdefault(name, {})
            patch = case.truth != case.input
            regions = {"": np.full(case.truth.shape, True), "_foreground": case.truth > samples.FOREGROUND}
            regions |= {"_patch": patch} if 0 < patch.mean() < _PATCH else {}
            for kind, image in (("input", case.input), ("output", output)):
                alike = ssim_map(case.truth, image, data_range=1.0) if min(image.shape) >= _WINDOW else None
                for region, place in regions.items():
                    row.setdefault(f"{kind}{region}", []).append(_psnr(case.truth[place], image[place]))
                    error = float(np.mean((case.truth[place] - image[place]) ** 2))
                    row.setdefault(f"{kind}_mse{region}", []).append(error)
                    if alike is not None and np.isfinite(alike[place]).any():
                        row.setdefault(f"{kind}_ssim{region}", []).append(float(np.nanmean(alike[place])))
            if self._loss() != MC_SURE and made.shape[1] == 1:
                truth = torch.from_numpy(np.ascontiguousarray(case.truth))[None, None].to(self.device)
                row.setdefault("loss", []).append(float(loss_named(self._loss())(made, truth)))
        return {k: {kind: _rounded(kind, v) for kind, v in row.items()} for k, row in table.items()}

    def _save(self, metrics: dict[str, dict[str, float]]) -> None:
        state = {
            "digest": self.digest,
            "step": self.step,
            "seconds": self.seconds,
            "losses": self.losses,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "stopped": self.stopped,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_whole(self.out / CHECKPOINT, buffer.getvalue())
        model = self.settings["model"]
        report = {
            "version": model["version"],
            "steps": self.step,
            "of": self.schedule["steps"],
            "training_seconds": round(self.seconds),
            "parameters": sum(p.numel() for p in self.average.parameters()),
            "torch": torch.__version__,
            "device": self.device,
            "configuration_sha256": self.digest,
            "volumes": {
                part: [source.name for source in sources]
                for part, sources in zip(samples.PARTS, (self.sources, self.validation, self.test), strict=True)
            },
            "validation_psnr_db": metrics,
        }
        tensors = _contiguous(self.average.state_dict())
        if self.stopped or self.step == self.schedule["steps"]:
            report["test_psnr_db"] = self._measure(self.test, by_volume=True)
            tensors |= self._ranges()
        weights = save_tensors(tensors)
        write_model(
            self.out,
            weights=weights,
            name=model["name"],
            version=model["version"],
            description=model["description"],
            metrics=report,
            card=_card(self.settings, report, weights),
        )

    def _ranges(self) -> dict[str, Tensor]:
        """What computing in int8 needs to know of the network, measured on the first batches of the training."""
        if not isinstance(self.average, ResidualUNet):
            return {}
        batches = (self.sampler.batch(self.settings["seed"], step) for step in range(1, _RANGE_BATCHES + 1))
        pairs = ((torch.from_numpy(batch.noisy), torch.from_numpy(batch.sigma)) for batch in batches)
        network = copy.deepcopy(self.average).cpu()
        return {PREFIX + place: ends for place, ends in measure_ranges(network, pairs).items()}

    def _resume(self) -> None:
        file = self.out / CHECKPOINT
        if file.exists():
            state = torch.load(file, weights_only=True, map_location=self.device)
            if state["digest"] != self.digest:
                raise InputError("The output folder holds the training of another configuration; name a new one.")
            self.step, self.seconds, self.losses = state["step"], state["seconds"], state.get("losses", [])
            self.best, self.stopped = state["best"], state["stopped"]
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.say(f"going on from step {self.step}")
        self.log = TrainingLog(self.out, self.step)


def _contiguous(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.cpu().contiguous() for name, tensor in state.items()}


def _magnitude(channels: Array) -> Array:
    """An image of one channel as it is, of one of two, real and imaginary part, the magnitude."""
    return channels[0] if len(channels) == 1 else np.hypot(*channels)


def _rounded(kind: str, values: Sequence[float]) -> float:
    """The mean, to as many places as a squared error or a loss needs, or a PSNR."""
    return round(float(np.mean(values)), 7 if "mse" in kind or kind == "loss" else 3)


def _psnr(truth: np.ndarray, test: np.ndarray) -> float:
    return float(-10 * np.log10(max(np.mean((truth - test) ** 2), 1e-12)))  # a clean input: 120 dB


def _card(settings: dict[str, Any], report: dict[str, Any], weights: bytes) -> str:
    """What a user must know about the model, from the configuration and the measured figures."""
    model, task = settings["model"], task_of(settings)
    before, after, what = _WORDS.get(task, ("degraded", "repaired", "degraded as said, which the network is not told"))
    device = "a CPU" if report["device"] == "cpu" else "a GPU"
    sources = "\n".join(
        f"- {group['name']} ({group['weight']:g} of the batches): {group['about']}"
        for group in settings["data"]["groups"]
    )
    measured = "\n\n".join(
        f"{title}\n\n{_rows(report[key], before, after)}"
        for title, key in (
            ("Mean over the volumes of the validation part:", "validation_psnr_db"),
            ("Each volume of the test part:", "test_psnr_db"),
        )
        if report.get(key)
    )
    worse = [f"{name} ({place})" for name, place, gain in gains(rows_of(report)) if gain <= 0]
    limits = model["limits"].strip()
    if worse:
        limits += f"\n\nNo nearer to the truth than the {before} slices: {', '.join(worse)}."
    return (
        f"# {model['name']} {model['version']}\n\n{model['description']}\n\n"
        f"{model['use'].strip()}\n\nSHA-256 of the weights: {hashlib.sha256(weights).hexdigest()}\n\n"
        f"## Licence\n\n{model['licence'].strip()}\n\n## Training\n\n"
        f"{report['parameters']:,} parameters, {report['steps']:,} of {report['of']:,} steps, "
        f"{report['training_seconds'] / 60:.0f} minutes on {device}. Settings: config.toml; volumes of each "
        f"part: metrics.json; course: log.jsonl.\n\n{sources}\n\n{model['data'].strip()}\n\n## Measured\n\n"
        f"PSNR in dB on subjects outside training, range = 99.9th percentile of the volume, {what}; one pass in "
        "float32. Foreground: above "
        f"{100 * samples.FOREGROUND:g} % of the range.\n\n{measured}\n\n## Limits\n\n{limits}\n"
    )


def _rows(table: dict[str, dict[str, float]], before: str, after: str) -> str:
    head = f"| | {before} | {after} | foreground {before} | foreground {after} |\n|---|---|---|---|---|\n"
    kinds = ("input", "output", "input_foreground", "output_foreground")
    return head + "\n".join(
        f"| {name} | " + " | ".join(f"{row[kind]:.2f}" for kind in kinds) + " |" for name, row in table.items()
    )
