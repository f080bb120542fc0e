# One image for every process: web, worker, migrate, health and all other commands.  docker build -t stallkeeper .
FROM python:3.13-slim AS build
WORKDIR /source
RUN python -m venv /venv
COPY requirements.lock .
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data --no-create-home stallkeeper && install -d -o stallkeeper -g stallkeeper -m 0700 /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 STALLKEEPER_HOME=/data
USER stallkeeper
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["stallkeeper"]
CMD ["web", "--host", "0.0.0.0", "--port", "8000"]
