//! Asks a process for its health over HTTP, for an image that has no other program to do it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::http::{StatusCode, Uri};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than the health endpoint itself takes to give up on a part, so that its reason is heard.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// A report has about 500 bytes; whatever else answers there gets no more room than this.
const ANSWER_BYTES: u64 = 16 * 1024;

/// Where a process that serves at `http_addr` is asked whether it takes work.
///
/// An address that stands for all of the machine's is no one's to connect to; loopback is among them.
pub fn readiness_of(http_addr: SocketAddr) -> String {
    let ip = match http_addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let asked = SocketAddr::new(ip, http_addr.port());
    format!("http://{asked}/health/ready")
}

/// Succeeds when the answer's status is 2xx; else the error says why not. Takes 3 s at most.
pub async fn ask(url: &str) -> anyhow::Result<()> {
    let question = Question::parse(url)?;
    let answer = tokio::time::timeout(ANSWER_WITHIN, question.put())
        .await
        .with_context(|| format!("failed to get an answer from {url} within {ANSWER_WITHIN:?}"))?
        .with_context(|| {
            format!("failed to ask {url}: start the process, or set HTTP_ADDR to where it serves")
        })?;
    if answer.status.is_success() {
        return Ok(());
    }
    bail!(
        "failed to find {url} ready: it answered {} {}",
        answer.status,
        answer.body.trim()
    );
}

/// A `GET` of HTTP/1.0: the answer is not chunked and ends with the connection.
#[derive(Debug)]
struct Question {
    authority: String,
    host: String,
    port: u16,
    path: String,
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    body: String,
}

impl Question {
    fn parse(url: &str) -> anyhow::Result<Self> {
        let wrong = || format!("failed to understand {url}: write it like http://host:port/path");
        let uri: Uri = url.parse().with_context(wrong)?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            bail!(wrong());
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            authority: authority.as_str().to_owned(),
            // The brackets of an IPv6 address belong to the URL, not to the address.
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            path: path.to_owned(),
        })
    }

    async fn put(&self) -> anyhow::Result<Answer> {
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let request = format!(
            "GET {} HTTP/1.0\r\nHost: {}\r\n\r\n",
            self.path, self.authority
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES).read_to_end(&mut answer).await?;
        Answer::parse(&String::from_utf8_lossy(&answer))
            .context("what answers there does not speak HTTP")
    }
}

impl Answer {
    fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut status_line = head.lines().next()?.split(' ');
        if !status_line.next()?.starts_with("HTTP/1.") {
            return None;
        }
        Some(Self {
            status: status_line.next()?.parse().ok()?,
            body: body.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_serves_everywhere_is_asked_on_loopback() {
        for (served, asked) in [
            ("0.0.0.0:8000", "http://127.0.0.1:8000/health/ready"),
            ("[::]:8000", "http://[::1]:8000/health/ready"),
            ("10.1.2.3:80", "http://10.1.2.3:80/health/ready"),
        ] {
            assert_eq!(readiness_of(served.parse().unwrap()), asked);
        }
    }

    #[test]
    fn a_url_is_taken_apart() {
        let question = Question::parse("http://[::1]:3500/v1.0/healthz?a=b").unwrap();
        assert_eq!((question.host.as_str(), question.port), ("::1", 3500));
        assert_eq!(question.authority, "[::1]:3500");
        assert_eq!(question.path, "/v1.0/healthz?a=b");
        let question = Question::parse("http://api").unwrap();
        assert_eq!((question.host.as_str(), question.port), ("api", 80));
        assert_eq!(question.path, "/");
        for wrong in ["https://api", "api:8000", "/health", "http://"] {
            let refused = Question::parse(wrong).unwrap_err();
            assert!(format!("{refused:#}").contains("http://host:port/path"));
        }
    }

    #[test]
    fn what_is_not_http_is_no_answer() {
        assert!(Answer::parse("SSH-2.0-OpenSSH\r\n\r\n").is_none());
        assert!(Answer::parse("").is_none());
        let answer = Answer::parse("HTTP/1.1 503 Service Unavailable\r\na: b\r\n\r\nno").unwrap();
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.body, "no");
    }
}
