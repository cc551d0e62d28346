# Oxbow as an image: `docker build -t oxbow .`. Node runs the TypeScript as it is, so there is nothing to compile.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY bin ./bin
COPY src ./src
COPY config ./config
RUN mkdir /data && chown node:node /data
USER node
# The topics of the embedded broker; on Kafka nothing lies here.
VOLUME /data
# Its address is reached by others: it starts with OXBOW_TOKENS only, lines of NAME ROLE TOKEN.
EXPOSE 4680
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4680/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# No shell in between: SIGTERM reaches Oxbow, which lets the unit in work commit.
ENTRYPOINT ["node", "--max-semi-space-size=32", "/app/bin/oxbow.js"]
CMD ["run", "config/market-lag.yaml", "--data", "/data", "--host", "0.0.0.0", "--port", "4680"]
