"""The only reader of the environment: what the operator set, checked once, frozen. Opens nothing that was not asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tre.errors import Unfit


class Settings(BaseSettings):
    """The settings of the contract, each ``TRE_<NAME>`` in the environment or in ``.env``."""

    model_config = SettingsConfigDict(env_prefix="TRE_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Path(".tre")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    policies: Path = Path("policies")
    database: str = ""
    engine: str = "duckdb"
    sandbox: Literal["on", "off"] = "on"
    # Questions that are answered at the same time: the cores are dealt out among them, none to two.
    workers: int = Field(default=2, ge=1)
    demo: bool = False
    # Of whoever runs a command in their own name, such as an approval.
    token: SecretStr = SecretStr("")

    @field_validator("engine")
    @classmethod
    def _engine(cls, engine: str) -> str:
        if engine == "spark":
            raise ValueError("the Spark engine is not offered yet; unset TRE_ENGINE to use DuckDB")
        if engine != "duckdb":
            raise ValueError("the engine is duckdb")
        return engine

    @field_validator("workers")
    @classmethod
    def _workers(cls, workers: int) -> int:
        cores = len(os.sched_getaffinity(0))
        if workers > cores:
            raise ValueError(f"at most one for each core, of which there are {cores}")
        return workers

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{(self.home / 'database.sqlite').absolute()}"

    @property
    def store(self) -> Path:
        return (self.home / "store").absolute()

    @property
    def work(self) -> Path:
        return (self.home / "work").absolute()

    @property
    def log(self) -> Path:
        """The log as static files, as everyone may fetch it."""
        return (self.home / "log").absolute()

    @property
    def registers(self) -> Path:
        """Lists of people without a national opt-out, as pseudonyms; no worker reads here."""
        return (self.home / "registers").absolute()

    @property
    def calibration(self) -> Path:
        """How long each class of plans took on this machine."""
        return (self.home / "calibration.json").absolute()

    @property
    def keys(self) -> Path:
        return (self.home / "keys").absolute()


def read_settings() -> Settings:
    """The settings of this process; `Unfit` names the variable that is wrong, without its value."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"TRE_{str(part['loc'][0]).upper()}: {part['msg']}" for part in error.errors(include_input=False))
        raise Unfit(wrong) from None


def make_home(settings: Settings) -> None:
    """TRE_HOME and its folders, readable by their owner alone."""
    for folder in (settings.home, settings.store, settings.work, settings.log, settings.keys, settings.registers):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            raise Unfit(f"{folder} can be read by others; run: chmod 700 {folder}")
