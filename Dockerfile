# syntax=docker/dockerfile:1
#
# One image for every subcommand: `serve`, `worker`, `migrate`, `apply`, ... The pages, the migrations and the time zones
# are built into the binary, so the second stage holds it and two libraries.

FROM rust:1.95-slim-bookworm AS build
# libssl-dev and pkg-config are for the feature `postgres-tls`: libpq, which is built in, then speaks TLS to the
# database through the system's OpenSSL. The C compiler that libpq and SQLite need comes with the image.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libssl-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# The caches stay with the builder, not in a layer: a rebuild compiles only what has changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --features postgres-tls \
 && cp target/release/fairlease /usr/local/bin/fairlease

FROM debian:bookworm-slim
# libssl3 as above; ca-certificates says whose certificates are believed when a cloud is called.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libssl3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin fairlease \
 && install -d -o fairlease -g fairlease /data
COPY --from=build /usr/local/bin/fairlease /usr/local/bin/fairlease
USER fairlease
# The account has no home directory, so the default place for data would not be found.
ENV FAIRLEASE_DATA_DIR=/data
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["fairlease"]
# An address in a container is reached from outside only if it is not the loopback's. Which health check fits depends on
# the subcommand: docker-compose.yml has them.
CMD ["serve", "--listen", "0.0.0.0:8080"]
