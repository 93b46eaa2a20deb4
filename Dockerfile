# CPU:  docker build -t ubam --build-arg TORCH_INDEX=<PyTorch's wheel index for the CPU> .
# GPU:  docker build -t ubam --build-arg TORCH_INDEX=<PyTorch's wheel index for your CUDA> .
#       (PyTorch's "Get started" page names both addresses; without one, pip uses its own index)
# Web:  deploy/compose.yaml (docs/web.md)
# Run:  docker run --rm --user "$(id -u)" -v "$PWD:/data" ubam run study.csv --out run
FROM python:3.11-slim
ARG TORCH_INDEX=""
WORKDIR /opt/ubam
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY ubam ubam
COPY webui webui
COPY sample_videos sample_videos
RUN if [ -n "$TORCH_INDEX" ]; then pip install --no-cache-dir --index-url "$TORCH_INDEX" "torch==2.13.0"; fi \
 && pip install --no-cache-dir -c constraints.txt ".[postgres,openid]" \
 && useradd --create-home --uid 1000 ubam \
 && mkdir -p /data && chown ubam /data
USER ubam
ENV MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /data
ENTRYPOINT ["ubam"]
CMD ["--help"]
