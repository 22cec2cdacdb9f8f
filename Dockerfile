# Ostinato on plain Debian: `docker build -t ostinato . && docker run --rm -v "$PWD:/data" ostinato embed /data/song.mp3 --model m-a-p/MERT-v1-95M --out /data/out`
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY native/package.json native/
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:20-bookworm-slim
# FFmpeg adds m4a and other containers; everything else decodes without it.
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /app /app
ENV HF_HOME=/data/huggingface
ENTRYPOINT ["node", "/app/bin/ostinato.js"]
CMD ["--help"]
