# The todo system: the binary and the libraries that it is linked with, and nothing else.
#
#   docker build --tag gauntlet/todo .
#   docker run --read-only --cap-drop ALL --publish 127.0.0.1:8000:8000 --env ROLE=api … gauntlet/todo
#
# `todo --help` lists the variables. The file needs nothing that only BuildKit has.

# Any image with a Rust toolchain and a C compiler will do; where make and c++ are missing, with apt-get.
# rust-toolchain.toml says which version; it is not copied in, or rustup would fetch lints for it.
ARG BUILDER=rust:1.95.0-slim-bookworm

# What the dependencies are built from: manifests, and empty targets so that cargo takes them. The next
# stage is kept as long as none of these files changes, whatever else does.
FROM ${BUILDER} AS manifests
WORKDIR /all
COPY . .
RUN mkdir /manifests \
    && find . \( -name Cargo.toml -o -name Cargo.lock \) -exec cp --parents '{}' /manifests ';' \
    && find . \( -path '*/src/lib.rs' -o -path '*/src/main.rs' -o -path '*/src/bin/*.rs' -o -path '*/benches/*.rs' \
        -o -path '*/tests/*/main.rs' \) -exec cp --parents '{}' /manifests ';' \
    && find /manifests -name '*.rs' -exec sh -c 'echo "fn main() { }" >"$1"' sh '{}' ';'

FROM ${BUILDER} AS build
# librdkafka is built by make, and its configure asks for a C++ compiler although nothing is built by it.
RUN { command -v make && command -v c++; } \
    || { apt-get update && apt-get install --yes --no-install-recommends g++ make && rm -rf /var/lib/apt/lists/*; }
WORKDIR /source
COPY --from=manifests /manifests ./
RUN cargo build --release --locked --package gauntlet-services
COPY . .
# The empty targets were built after the real files were last changed: without a new time cargo would take
# what they were built to.
RUN find system -name '*.rs' -exec touch '{}' + \
    && cargo build --release --locked --package gauntlet-services --bin todo
RUN mkdir -p /image/etc \
    && cp target/release/todo /image/ \
    && ldd target/release/todo | grep -o '/[^ ]*' | xargs -I '{}' cp --parents --dereference '{}' /image \
    && echo 'hosts: files dns' >/image/etc/nsswitch.conf \
    && echo 'nobody:x:65534:65534:nobody:/:/sbin/nologin' >/image/etc/passwd \
    && echo 'nogroup:x:65534:' >/image/etc/group

FROM scratch
LABEL org.opencontainers.image.title="todo" \
      org.opencontainers.image.description="The todo system: one binary, one or more roles in a process" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT"
COPY --from=build /image /
# The user `nobody`: nothing in the image is its own, and the process writes no file.
USER 65534:65534
ENV HTTP_ADDR=0.0.0.0:8000
EXPOSE 8000
# `todo health` answers within 3 s. The start waits for the database, and with Dapr for the sidecar.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/todo", "health"]
ENTRYPOINT ["/todo"]
