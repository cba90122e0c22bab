# The pipeline alone: Python, the pinned dependencies with their hashes, the checkout. Settings come as environment variables.
FROM python:3.13-slim-bookworm
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    LAKEHOUSE__DATA_DIR=/data XDG_CONFIG_HOME=/data/.config RUNTIME__DLTHUB_TELEMETRY=false
WORKDIR /app
COPY requirements.lock .
RUN pip install --require-hashes -r requirements.lock
COPY . .
RUN useradd --create-home --uid 10001 lakehouse && mkdir /data && chown lakehouse /data /app
USER lakehouse
VOLUME /data
ENTRYPOINT ["python", "pipelines/run.py"]
