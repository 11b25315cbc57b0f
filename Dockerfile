# One image a part: `docker build --target worker .`, and the same with operator and gateway.
# Each is PYTHON_IMAGE, any with Python 3.11 or newer and glibc, with one virtual environment of the
# locked packages and one folder of our own code, all compiled. Root's files, run by a user that can
# change none. Nothing is compiled for one machine: `docker buildx build --platform` makes any that the
# packages have wheels for (amd64, arm64).
#
# For a release, name the base by its digest, and say what this is built from:
#   docker build --target operator --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:… \
#     --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" .
ARG PYTHON_IMAGE=python:3.13-slim

# What all parts run on.
FROM ${PYTHON_IMAGE} AS python
RUN --mount=type=bind,source=dev/image,target=/tmp/image python3 -B /tmp/image/base.py
# SAFEPATH: the working directory is no place to import from. UNBUFFERED: a log line is seen when written.
ENV PATH=/opt/imagejob/bin:$PATH PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /

# The environment is made with the base's pip and takes none along. Our code is beside it, in a layer
# of its own: a node that has the packages fetches half a megabyte for the next version.
FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv --without-pip /opt/imagejob \
    && echo /opt/imagejob/app >"$(echo /opt/imagejob/lib/python3*/site-packages)/imagejob.pth"
WORKDIR /build

FROM build AS worker-packages
COPY requirements/worker.txt .
RUN python3 -m pip --python /opt/imagejob/bin/python install -q --no-compile --require-hashes -r worker.txt \
    && /opt/imagejob/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/imagejob/lib

FROM worker-packages AS worker-code
COPY worker/imagejob_worker /opt/imagejob/app/imagejob_worker
RUN /opt/imagejob/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/imagejob/app

FROM build AS operator-packages
COPY requirements/operator.txt dev/image/prune.py ./
RUN python3 -m pip --python /opt/imagejob/bin/python install -q --no-compile --require-hashes -r operator.txt \
    && python3 prune.py /opt/imagejob/lib/python3*/site-packages \
    && /opt/imagejob/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/imagejob/lib

FROM operator-packages AS operator-code
COPY operator/imagejob_operator /opt/imagejob/app/imagejob_operator
RUN python3 prune.py --check /opt/imagejob/lib/python3*/site-packages /opt/imagejob/app \
    && /opt/imagejob/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/imagejob/app

FROM build AS gateway-packages
COPY requirements/gateway.txt dev/image/prune.py dev/image/prune_aws.py dev/image/prune_to_client.py ./
RUN python3 -m pip --python /opt/imagejob/bin/python install -q --no-compile --require-hashes -r gateway.txt \
    && python3 prune_to_client.py /opt/imagejob/lib/python3*/site-packages \
    && python3 prune.py /opt/imagejob/lib/python3*/site-packages \
    && python3 prune_aws.py /opt/imagejob/lib/python3*/site-packages \
    && rm /opt/imagejob/bin/jp.py \
    && /opt/imagejob/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/imagejob/lib

# The operator's code as a whole: what the gateway may import of it, a contract of import-linter says.
# Of the worker's, the one module that judges addresses.
FROM gateway-packages AS gateway-code
COPY operator/imagejob_operator /opt/imagejob/app/imagejob_operator
COPY worker/imagejob_worker/storage/addresses.py /opt/imagejob/app/imagejob_worker/storage/
COPY gateway/imagejob_gateway /opt/imagejob/app/imagejob_gateway
RUN python3 prune.py --check /opt/imagejob/lib/python3*/site-packages /opt/imagejob/app \
    && /opt/imagejob/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/imagejob/app

FROM python AS operator
COPY --from=operator-packages /opt/imagejob /opt/imagejob
COPY --from=operator-code /opt/imagejob/app /opt/imagejob/app
ENTRYPOINT ["python", "-m", "imagejob_operator"]
ARG PYTHON_IMAGE
ARG SOURCE=https://github.com/imagejob/imagejob-operator
ARG VERSION=0.0.0-dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="imagejob-operator" \
      org.opencontainers.image.description="Turns ImageJobs into worker Jobs, and their reports into statuses" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM python AS worker
COPY --from=worker-packages /opt/imagejob /opt/imagejob
COPY --from=worker-code /opt/imagejob/app /opt/imagejob/app
ENTRYPOINT ["python", "-m", "imagejob_worker"]
ARG PYTHON_IMAGE
ARG SOURCE=https://github.com/imagejob/imagejob-operator
ARG VERSION=0.0.0-dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="imagejob-worker" \
      org.opencontainers.image.description="Carries out one work order: fetches, decodes, encodes and stores images" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM python AS gateway
COPY --from=gateway-packages /opt/imagejob /opt/imagejob
COPY --from=gateway-code /opt/imagejob/app /opt/imagejob/app
ENTRYPOINT ["python", "-m", "imagejob_gateway"]
ARG PYTHON_IMAGE
ARG SOURCE=https://github.com/imagejob/imagejob-operator
ARG VERSION=0.0.0-dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="imagejob-gateway" \
      org.opencontainers.image.description="Takes uploads over HTTP and makes ImageJobs of them, for one namespace" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
