"""What Huawei Workspace is asked, and what its answers mean to us."""
