# One file, three images: --target auth | signaling | edge. Each is Node, one bundled file, no shell, no package manager.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS sources
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY packages/protocol/package.json packages/protocol/
COPY packages/rtc/package.json packages/rtc/
COPY packages/service/package.json packages/service/
COPY apps/auth/package.json apps/auth/
COPY apps/client/package.json apps/client/
COPY apps/signaling/package.json apps/signaling/
COPY infra/package.json infra/
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund --loglevel=error
COPY tsconfig.base.json ./
COPY packages packages
COPY apps apps
COPY infra infra
COPY scripts scripts

FROM sources AS services
RUN node scripts/bundle.mjs

FROM sources AS client
ENV NEXT_TELEMETRY_DISABLED=1
RUN npm run build -w @tandem/client

# Node and the shared libraries that it asks for, nothing else.
FROM ${NODE_IMAGE} AS runtime-files
RUN mkdir -p /root-fs/usr/local/bin /root-fs/etc /root-fs/tmp /root-fs/app /data \
 && cp -L "$(command -v node)" /root-fs/usr/local/bin/node \
 && ldd /root-fs/usr/local/bin/node | grep -o '/[^ ]*' | sort -u | xargs -I{} cp -L --parents {} /root-fs \
 && cp -L --parents /etc/ssl/certs/ca-certificates.crt /root-fs 2>/dev/null || true \
 && echo 'app:x:10001:10001::/app:/usr/local/bin/node' > /root-fs/etc/passwd \
 && echo 'app:x:10001:' > /root-fs/etc/group \
 && echo 'hosts: files dns' > /root-fs/etc/nsswitch.conf \
 && chmod 1777 /root-fs/tmp

FROM scratch AS runtime
COPY --from=runtime-files /root-fs /
ENV PATH=/usr/local/bin NODE_ENV=production
WORKDIR /app
USER 10001:10001
CMD ["node", "--enable-source-maps", "/app/main.mjs"]

FROM runtime AS auth
COPY --from=services /src/dist/auth /app
# A volume mounted here takes this owner: the key file of a development set-up.
COPY --from=runtime-files --chown=10001:10001 /data /data
EXPOSE 8081

FROM runtime AS signaling
COPY --from=services /src/dist/signaling /app
EXPOSE 8080

FROM runtime AS edge
COPY --from=services /src/dist/edge /app
COPY --from=client /src/apps/client/out /app/client
EXPOSE 3000
