# One image a part: `docker build --target worker .`, `docker build --target operator .`
# Each is PYTHON_IMAGE, any with Python 3.11 or newer and glibc, and one virtual environment that holds
# the locked packages and our own code, all compiled. Root's files, run by a user that can change none.
ARG PYTHON_IMAGE=python:3.13-slim

# What both parts run on. A root file system that is read-only keeps no bytecode, and an image may come
# without the standard library's (python:slim does): each start would compile it again.
FROM ${PYTHON_IMAGE} AS python
RUN python3 -m compileall -q -x '/(test|tests|idlelib|lib2to3|site-packages|dist-packages)/' \
        "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
# SAFEPATH: the working directory is no place to import from. UNBUFFERED: a log line is seen when written.
ENV PATH=/opt/imagejob/bin:$PATH PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /

# The environment is made with the base's pip and takes none along.
FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv --without-pip /opt/imagejob
WORKDIR /build

FROM build AS build-worker
COPY requirements/worker.txt .
RUN python3 -m pip --python /opt/imagejob/bin/python install -q --no-compile --require-hashes -r worker.txt
COPY worker .
RUN mv imagejob_worker /opt/imagejob/lib/python3*/site-packages/ \
    && /opt/imagejob/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/imagejob/lib

FROM build AS build-operator
COPY requirements/operator.txt .
RUN python3 -m pip --python /opt/imagejob/bin/python install -q --no-compile --require-hashes -r operator.txt
COPY operator .
RUN mv imagejob_operator /opt/imagejob/lib/python3*/site-packages/ \
    && /opt/imagejob/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/imagejob/lib

FROM python AS operator
LABEL org.opencontainers.image.title="imagejob-operator" \
      org.opencontainers.image.description="Turns ImageJobs into worker Jobs, and their reports into statuses" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build-operator /opt/imagejob /opt/imagejob
ENTRYPOINT ["python", "-m", "imagejob_operator"]

FROM python AS worker
LABEL org.opencontainers.image.title="imagejob-worker" \
      org.opencontainers.image.description="Carries out one work order: fetches, decodes, encodes and stores images" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build-worker /opt/imagejob /opt/imagejob
ENTRYPOINT ["python", "-m", "imagejob_worker"]
