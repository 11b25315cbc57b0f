"""What applies to each namespace: the settings of its ImageQuota, or the platform's defaults."""

from __future__ import annotations

from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.config.platform import Caps, Platform
from imagejob_operator.quota.rates import Policy, policy_of


class Policies:
    """Looks up ImageQuotas in the cache."""

    def __init__(self, cache: ClusterCache, caps: Caps) -> None:
        self._cache = cache
        self._caps = caps

    def of(self, namespace: str) -> Policy:
        """Return the policy of its ImageQuota, or the default."""
        return policy_of(self._quota(namespace), self._caps.default)

    def weight(self, namespace: str) -> int:
        """Return its weight when workers are shared."""
        quota = self._quota(namespace)
        return quota.spec.weight if quota else self._caps.default.weight

    def platform(self, namespace: str, platform: Platform) -> Platform:
        """Return the platform with the bounds of its ImageQuota."""
        return platform.held_to(self._quota(namespace))

    def _quota(self, namespace: str) -> ImageQuota | None:
        return self._cache.quotas.get((namespace, "default"))
