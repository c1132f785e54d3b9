FROM node:22-bookworm-slim AS playground
WORKDIR /src
COPY scripts/fetch-playground scripts/
COPY server/playground/assets.sha256 server/playground/
RUN mkdir server/playground/assets && scripts/fetch-playground

FROM node:22-bookworm-slim AS page
WORKDIR /src
COPY web/package.json web/package-lock.json web/
RUN cd web && npm ci --ignore-scripts --no-audit --no-fund
COPY schema.graphqls .
COPY web web
RUN cd web && npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=playground /src/server/playground/assets server/playground/assets
COPY --from=page /src/web/dist web/dist
# The history is not copied: `make image` says what it would.
ARG VIGIE_VERSION VIGIE_REVISION
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "$(scripts/linker-flags)" -o /vigie ./server && mkdir -m 700 /data

# Certificates, and a user without rights: nothing else.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /vigie /vigie
# For those who set no database and no search engine: both are files in here.
COPY --from=build --chown=nonroot:nonroot --chmod=700 /data /data
ENV VIGIE_LISTEN=:8080 VIGIE_DATA=/data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=12s --start-period=5m --start-interval=2s CMD ["/vigie", "health"]
ENTRYPOINT ["/vigie"]
CMD ["serve"]
