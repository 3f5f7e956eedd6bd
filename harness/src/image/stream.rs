//! What is written by a thread as a stream of pieces, a few of them on the way at a time.

use std::io::{self, BufWriter, Write};

use futures::Stream;
use futures::stream;
use tokio::sync::mpsc::{self, Receiver, Sender};

type Piece = io::Result<Vec<u8>>;

const PIECE_BYTES: usize = 1 << 18;
const ON_THE_WAY: usize = 8;

/// Runs `write` on a thread for blocking work. What it writes comes out of the stream; its error is the
/// stream's last item. It ends early where nobody reads any more.
pub(super) fn written_by(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> impl Stream<Item = Piece> + Send + 'static {
    let (sender, receiver) = mpsc::channel(ON_THE_WAY);
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(PIECE_BYTES, Pieces(sender.clone()));
        let outcome = write(&mut out).and_then(|()| out.flush());
        // What it still holds after a failure must not follow the error.
        let _ = out.into_parts();
        if let Err(error) = outcome {
            // Nobody reads: nobody asks why.
            let _ = sender.blocking_send(Err(error));
        }
    });
    stream::unfold(receiver, async |mut receiver: Receiver<Piece>| {
        let piece = receiver.recv().await?;
        Some((piece, receiver))
    })
}

struct Pieces(Sender<Piece>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .blocking_send(Ok(bytes.to_vec()))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;

    #[tokio::test]
    async fn everything_arrives_in_order() {
        let pieces = written_by(|out| (0..100_000_u32).try_for_each(|n| writeln!(out, "{n}")));
        let pieces: Vec<Piece> = pieces.collect().await;
        assert!(pieces.len() > 1);
        let all: Vec<u8> = pieces
            .into_iter()
            .flat_map(|piece| piece.unwrap())
            .collect();
        let expected: String = (0..100_000).map(|n| format!("{n}\n")).collect();
        assert_eq!(String::from_utf8(all).unwrap(), expected);
    }

    #[tokio::test]
    async fn planted_failure_of_the_writer_is_the_last_item() {
        let pieces = written_by(|out| {
            out.write_all(b"half")?;
            Err(io::Error::other("the other half is gone"))
        });
        let last = pieces.collect::<Vec<Piece>>().await.pop().unwrap();
        assert!(last.unwrap_err().to_string().contains("the other half"));
    }
}
