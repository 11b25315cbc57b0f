-- The health of an ImageJob. Its conditions are those of kstatus (Ready, Reconciling, Stalled) and
-- `Finished`; the reason of Ready always says why it is ready or not: docs/reasons.md lists them.
-- Scripts in argocd-cm have no string library, so this uses none.
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local ready = conditions.Ready
if ready == nil or status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "the operator has not looked at it yet"}
end

local health = {status = "Progressing", message = ready.reason .. ": " .. ready.message}
if ready.status == "True" then
  health.status = "Healthy"
elseif conditions.Stalled ~= nil and conditions.Stalled.status == "True" then
  health.status = "Degraded"
elseif ready.reason == "Suspended" then
  health.status = "Suspended"
end
-- All else continues by itself: a quota has capacity again, a store is created, a worker is free, an
-- attempt is retried. Degraded would end the sync that is about to create the store.
return health
