"""Tests of what is said to Huawei Cloud and what its answers mean."""
