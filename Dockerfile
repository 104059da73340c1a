# One file, images: --target auth | signaling | hooks | captions | turn | media | packager | composer | canary | edge: Node, one bundled file, no shell, no package manager.
# And --target tls, Caddy with our configuration, for one host with a domain.
# CDK pins NODE_IMAGE by digest (infra/src/base-images.ts).
ARG NODE_IMAGE=node:24-bookworm-slim
# For --target tls: one host with a domain (compose profile `public`).
ARG CADDY_IMAGE=caddy:2
# For --target collector: that of infra/src/base-images.ts.
ARG COLLECTOR_IMAGE=public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3@sha256:8aa9ea5f67b8d318f7d6af24677e3c70f7098bc0631147cb5fa91addbe980b06

FROM ${NODE_IMAGE} AS packages
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY packages/cli/package.json packages/cli/
COPY packages/protocol/package.json packages/protocol/
COPY packages/react/package.json packages/react/
COPY packages/rtc/package.json packages/rtc/
COPY packages/server/package.json packages/server/
COPY packages/embed/package.json packages/embed/
COPY packages/service/package.json packages/service/
COPY apps/auth/package.json apps/auth/
COPY apps/client/package.json apps/client/
COPY apps/hooks/package.json apps/hooks/
COPY apps/captions/package.json apps/captions/
COPY apps/signaling/package.json apps/signaling/
COPY infra/package.json infra/
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --omit=peer --no-audit --no-fund --loglevel=error

# Each bundle sees its own sources only (infra/src/service-image.ts keeps the same list), so nothing else rebuilds it.
FROM packages AS sources
COPY tsconfig.base.json ./
COPY scripts/bundle.mjs scripts/
COPY packages/protocol packages/protocol
COPY packages/service packages/service

FROM sources AS auth-bundle
COPY apps/auth apps/auth
RUN node scripts/bundle.mjs auth

FROM sources AS signaling-bundle
COPY apps/signaling apps/signaling
RUN node scripts/bundle.mjs signaling

FROM sources AS hooks-bundle
COPY apps/hooks apps/hooks
RUN node scripts/bundle.mjs hooks

FROM sources AS captions-bundle
COPY apps/captions apps/captions
RUN node scripts/bundle.mjs captions

FROM sources AS turn-bundle
COPY infra/node-kit infra/node-kit
COPY infra/turn-node infra/turn-node
RUN node scripts/bundle.mjs turn

FROM sources AS media-bundle
COPY packages/rtc packages/rtc
COPY infra/node-kit infra/node-kit
COPY infra/hls-packager infra/hls-packager
COPY infra/media-node infra/media-node
RUN node scripts/bundle.mjs media

FROM sources AS packager-bundle
COPY infra/node-kit infra/node-kit
COPY infra/hls-packager infra/hls-packager
RUN node scripts/bundle.mjs packager

FROM sources AS composer-bundle
COPY infra/node-kit infra/node-kit
COPY infra/recording-composer infra/recording-composer
RUN node scripts/bundle.mjs composer

FROM sources AS canary-bundle
COPY infra/canary infra/canary
RUN node scripts/bundle.mjs canary

FROM sources AS edge-bundle
COPY apps apps
COPY infra infra
RUN node scripts/bundle.mjs edge

FROM sources AS client
ENV NEXT_TELEMETRY_DISABLED=1
COPY packages packages
COPY scripts scripts
COPY apps apps
COPY infra infra
RUN npm run build -w @tandem/client

# A program and the shared libraries that it asks for, nothing else.
FROM ${NODE_IMAGE} AS runtime-files
RUN mkdir -p /root-fs/usr/local/bin /root-fs/etc /root-fs/tmp /root-fs/app /data \
 && cp -L "$(command -v node)" /root-fs/usr/local/bin/node \
 && ldd /root-fs/usr/local/bin/node | grep -o '/[^ ]*' | sort -u | xargs -I{} cp -L --parents {} /root-fs \
 && cp -L --parents /etc/ssl/certs/ca-certificates.crt /root-fs 2>/dev/null || true \
 && echo 'app:x:10001:10001::/app:/usr/local/bin/node' > /root-fs/etc/passwd \
 && echo 'app:x:10001:' > /root-fs/etc/group \
 && echo 'hosts: files dns' > /root-fs/etc/nsswitch.conf \
 && chmod 1777 /root-fs/tmp

# coturn of Debian unstable with its own libc, verified by apt: Debian's own does not refuse new calls while it drains.
FROM ${NODE_IMAGE} AS turn-files
WORKDIR /src
COPY scripts/relay-program.mjs scripts/
COPY scripts/lib/relay-program.mjs scripts/lib/debian-program.mjs scripts/lib/
# `false` where the mirror is a snapshot, whose signed index is older than Debian lets it be.
ARG APT_CHECK_VALID_UNTIL=true
RUN node scripts/relay-program.mjs --into /root-fs/opt/relay && mkdir -p /run-turn

# Janus of Debian unstable with its own libc, verified by apt. It is GPL-3: engine.json names its source, `copyright` is beside it.
# With a compiler, its libsrtp is built on OpenSSL from Debian's source: a quarter less CPU.
FROM ${NODE_IMAGE} AS media-files
WORKDIR /src
COPY scripts/media-engine.mjs scripts/
COPY scripts/lib/media-engine.mjs scripts/lib/debian-program.mjs scripts/lib/
# `false` where the mirror is a snapshot, whose signed index is older than Debian lets it be.
ARG APT_CHECK_VALID_UNTIL=true
RUN apt-get -o Acquire::Check-Valid-Until=$APT_CHECK_VALID_UNTIL update \
 && apt-get install -y --no-install-recommends build-essential \
 && node scripts/media-engine.mjs --into /root-fs/opt/media-engine && mkdir -p /run-media

FROM scratch AS runtime
COPY --from=runtime-files /root-fs /
ENV PATH=/usr/local/bin:/usr/bin NODE_ENV=production
WORKDIR /app
USER 10001:10001
# V8 sizes its young generation by the machine's memory, up to 128 MB, whatever the service needs; with 4 MB its collections are short.
# And it collects the whole heap when what was read since the last time is 0.4 of a small heap, over and over on a node that relays to others
# (`npm run bench -- nodes --node-args=--heap-growing-percent=0`); when it may be twice the heap, buffers go with the young generation.
# What a join runs is compiled anew by the optimizing compiler after 3,000 of them: in the middle of the storm of reconnects that a new
# node is there for. Later, joins cost a tenth less until then (`npm run bench -- joins --node-args=--invocation-count-for-turbofan=3000`).
# bench/ starts services with these options.
CMD ["node", "--enable-source-maps", "--max-semi-space-size=4", "--heap-growing-percent=200", "--invocation-count-for-turbofan=20000", "/app/main.mjs"]

FROM runtime AS auth
COPY --from=auth-bundle /src/dist/auth /app
# A volume mounted here takes this owner: the key file of a development set-up.
COPY --from=runtime-files --chown=10001:10001 /data /data
EXPOSE 8081

FROM runtime AS signaling
COPY --from=signaling-bundle /src/dist/signaling /app
# The volume of recordings takes this owner from whichever container mounts it first: this one, media or composer.
COPY --from=runtime-files --chown=10001:10001 /data /recordings
# One thread for signatures of tokens, one for lookups of names, of which libuv lets no more than half of the threads wait at once: a resolver
# that is away delays no join. With four, on the one core of a task, they take it from each other: a join costs a tenth more
# (`npm run bench -- joins --threads 4`).
ENV UV_THREADPOOL_SIZE=2
EXPOSE 8080

FROM runtime AS hooks
COPY --from=hooks-bundle /src/dist/hooks /app
EXPOSE 8082

FROM runtime AS captions
COPY --from=captions-bundle /src/dist/captions /app
EXPOSE 8083

# coturn and the agent that configures, watches and drains it.
FROM runtime AS turn
COPY --from=turn-files /root-fs /
COPY --from=turn-bundle /src/dist/turn /app
COPY --from=turn-files --chown=10001:10001 /run-turn /run/turn
ENV TURNSERVER=/opt/relay
# Certificates that the `tls` container keeps: whichever of the two mounts the volume first gives it this owner.
COPY --from=runtime-files --chown=10001:10001 /data /tls
VOLUME /run/turn

# Janus and the agent that is a member of each room that it serves.
FROM runtime AS media
COPY --from=media-files /root-fs /
COPY --from=media-bundle /src/dist/media /app
COPY --from=media-files --chown=10001:10001 /run-media /run/media
COPY --from=runtime-files --chown=10001:10001 /data /recordings
ENV JANUS=/opt/media-engine
VOLUME /run/media

# HLS of what the media node beside it forwards: ffmpeg, with Debian around it as below. A user of its own, in the group of the media node.
FROM ${NODE_IMAGE} AS packager
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packager-bundle /src/dist/packager /app
USER 10002:10001
CMD ["node", "--enable-source-maps", "/app/main.mjs"]

# One run a start: recordings into files. ffmpeg and its 200 libraries are Debian's own, so this one has Debian around it.
FROM ${NODE_IMAGE} AS composer
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg janus-tools && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /work /recordings && chown 10001:10001 /work /recordings
ENV NODE_ENV=production WORK_DIR=/work
WORKDIR /app
COPY --from=composer-bundle /src/dist/composer /app
USER 10001:10001
# A volume mounted here takes this owner.
VOLUME /work
CMD ["node", "--enable-source-maps", "/app/main.mjs"]

# One run a start: what a caller does, against a deployment's own name.
FROM runtime AS canary
COPY --from=canary-bundle /src/dist/canary /app

# AWS's own program, as it is: a task does not start while one of its images cannot be pulled, so no registry but ours is asked then.
FROM ${COLLECTOR_IMAGE} AS collector

FROM runtime AS edge
COPY --from=edge-bundle /src/dist/edge /app
COPY --from=client /src/apps/client/out /app/client
EXPOSE 3000

FROM ${CADDY_IMAGE} AS tls
COPY infra/compose/Caddyfile /etc/caddy/Caddyfile
RUN mkdir -p /data /config && chown 10001:10001 /data /config
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config HOME=/config
USER 10001:10001
EXPOSE 80 443
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
