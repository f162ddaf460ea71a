//! Starts the set, says where everything is, and stays until Ctrl-C.

use perennial_cloud::{Cloud, HANDLERS, Setup};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cloud = tokio::task::spawn_blocking(|| Cloud::start(Setup::default())).await.unwrap();
    let Some(cloud) = cloud else { std::process::exit(1) };
    println!("API:       {}", cloud.app("task-api").address());
    println!("Stream:    {}/v1/stream", cloud.app("live").address());
    println!("Audit:     {}/v1/audit", cloud.app("audit").address());
    println!("Token:     {}", cloud.token());
    println!("Kafka:     {}", cloud.kafka.address());
    for name in HANDLERS {
        let app = cloud.app(name);
        println!("{name}: {} beside the sidecar {}", app.address(), app.sidecar_address());
    }
    println!("Logs:      {}", cloud.folder().display());
    println!("Ctrl-C ends it all.");
    tokio::signal::ctrl_c().await.unwrap();
    drop(cloud);
}
