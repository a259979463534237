"""Worlds of this cloud for the contract suite: those of the partition that it is like."""

from tests.contract.worlds.huawei_ecs import *  # noqa: F403 - all that the suite asks for
