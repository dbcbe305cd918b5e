//! A TCP proxy between the fleet and its broker that does to connections what networks do.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::frames::{Frames, Signs};

/// How the network is at the moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weather {
    /// Fair.
    Fair,
    /// Everything arrives so much later.
    Late(Duration),
    /// So many bytes a second in each direction of each connection.
    Narrow(u64),
    /// Nothing arrives, nobody is told; what was sent arrives when it is over, as TCP would have it.
    BlackHole,
}

/// What happens once to every connection that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// It ends in the middle of what is being sent.
    Cut,
    /// The broker's side ends; the client is not told.
    BrokerGone,
    /// The client's side ends; the broker is not told.
    ClientGone,
}

/// Lets go on drop.
pub struct Proxy {
    url: String,
    weather: watch::Sender<Weather>,
    blow: watch::Sender<(u64, Blow)>,
    signs: Arc<Signs>,
    _runtime: Runtime,
}

impl Proxy {
    /// Listens on a port of its own and passes each connection to one of the nodes in turn, as a load balancer does.
    pub fn start(nodes: Vec<SocketAddr>) -> Self {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let runtime = threads.worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (weather, sky) = watch::channel(Weather::Fair);
        let (blow, blows) = watch::channel((0, Blow::Cut));
        let signs = Arc::new(Signs::default());
        let seen = Arc::clone(&signs);
        runtime.spawn(async move {
            let mut turns = nodes.iter().cycle();
            while let Ok((client, _)) = listener.accept().await {
                let line = Line { sky: sky.clone(), blows: blows.clone(), signs: Arc::clone(&seen) };
                let Some(node) = turns.next() else { return };
                tokio::spawn(line.serve(client, *node));
            }
        });
        let url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
        Self { url, weather, blow, signs, _runtime: runtime }
    }

    /// No proxy at all: everything goes to `url`, and no sign is seen.
    pub fn pretend(url: String) -> Self {
        Self { url, ..Self::start(Vec::new()) }
    }

    /// `amqp://…` through the proxy.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// From now on.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Now.
    pub fn strike(&self, blow: Blow) {
        self.blow.send_modify(|last| *last = (last.0 + 1, blow));
    }

    /// What was seen to come from the broker.
    pub fn signs(&self) -> &Signs {
        &self.signs
    }
}

struct Line {
    sky: watch::Receiver<Weather>,
    blows: watch::Receiver<(u64, Blow)>,
    signs: Arc<Signs>,
}

impl Line {
    async fn serve(mut self, client: TcpStream, broker: SocketAddr) {
        if self.sky.wait_for(|weather| *weather != Weather::BlackHole).await.is_err() {
            return;
        }
        self.blows.mark_unchanged();
        let Ok(broker) = TcpStream::connect(broker).await else { return };
        let _ = (client.set_nodelay(true), broker.set_nodelay(true));
        let (client, broker) = (Arc::new(client), Arc::new(broker));
        let mut pumps = JoinSet::new();
        for (from, to, signs) in [(&client, &broker, None), (&broker, &client, Some(self.signs))] {
            let (late, due) = mpsc::channel(64);
            pumps.spawn(read(Arc::clone(from), late, self.sky.clone(), signs));
            pumps.spawn(write(Arc::clone(to), due, self.sky.clone()));
        }
        let blow = tokio::select! {
            // A reader ends when its side does, and a writer once it has passed on what came before.
            () = both_of_a_direction(&mut pumps) => return,
            Ok(()) = self.blows.changed() => self.blows.borrow().1,
        };
        pumps.shutdown().await;
        match blow {
            Blow::Cut => {
                let _ = (client.try_write(&TORN), broker.try_write(&TORN));
            }
            Blow::BrokerGone => hold(client).await,
            Blow::ClientGone => hold(broker).await,
        }
    }
}

/// The beginning of a frame, and no more.
const TORN: [u8; 3] = [1, 0, 1];

/// Keeps a socket open without a word, as long as the proxy lives.
async fn hold(socket: Arc<TcpStream>) {
    std::future::pending::<()>().await;
    drop(socket);
}

async fn both_of_a_direction(pumps: &mut JoinSet<()>) {
    pumps.join_next().await;
    pumps.join_next().await;
}

/// Reads one side to its end and stamps what it says with the time at which it is due.
async fn read(
    from: Arc<TcpStream>,
    late: mpsc::Sender<(Instant, Vec<u8>)>,
    sky: watch::Receiver<Weather>,
    signs: Option<Arc<Signs>>,
) {
    let (mut frames, mut buffer) = (Frames::default(), vec![0; 16 << 10]);
    loop {
        if from.readable().await.is_err() {
            return;
        }
        let read = match from.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(_) => return,
        };
        let bytes = match &signs {
            // The client's greeting is no frame; all that the broker says is.
            Some(signs) => frames.pass(&buffer[..read], signs),
            None => buffer[..read].to_vec(),
        };
        let delay = if let Weather::Late(delay) = *sky.borrow() { delay } else { Duration::ZERO };
        if late.send((Instant::now() + delay, bytes)).await.is_err() {
            return;
        }
    }
}

/// Writes what is due, as the weather allows.
async fn write(to: Arc<TcpStream>, mut due: mpsc::Receiver<(Instant, Vec<u8>)>, mut sky: watch::Receiver<Weather>) {
    while let Some((when, bytes)) = due.recv().await {
        tokio::time::sleep_until(when.into()).await;
        if sky.wait_for(|weather| *weather != Weather::BlackHole).await.is_err() {
            return;
        }
        let weather = *sky.borrow();
        if let Weather::Narrow(rate) = weather {
            tokio::time::sleep(Duration::from_secs_f64(bytes.len() as f64 / rate as f64)).await;
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            if to.writable().await.is_err() {
                return;
            }
            match to.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}
