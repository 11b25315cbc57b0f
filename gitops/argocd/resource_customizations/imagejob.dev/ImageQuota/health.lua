-- The health of an ImageQuota: Healthy once the operator applies it. One that is used up works as
-- intended; the message says so.
local status = obj.status or {}
local ready = nil
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" then
    ready = condition
  end
end

if ready == nil or status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "the operator has not looked at it yet"}
end
if ready.status ~= "True" then
  return {status = "Degraded", message = ready.reason .. ": " .. ready.message}
end

local tightest = (status.limits or {})[1]
if tightest == nil then
  return {status = "Healthy", message = ready.message}
end
local message = tightest.used .. " of " .. tightest.jobs .. " per " .. tightest.per .. " used"
if tightest.nextAvailable ~= nil then
  message = message .. ", the next at " .. tightest.nextAvailable
end
if (status.waiting or 0) > 0 then
  message = message .. "; " .. status.waiting .. " wait"
end
return {status = "Healthy", message = message}
