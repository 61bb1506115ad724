"""What the speed targets ask: outcrop, BuildKit and buildah on the same cases, in the same run."""
