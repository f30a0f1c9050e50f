//! A thousand clusters start and end at the same minute, and nothing is left of them. `cargo bench --bench clusters` measures it.

use crate::world::{Database, on_both_databases};

#[path = "load/crowd.rs"]
mod load;

use load::Crowd;

on_both_databases! {
    async fn a_thousand_clusters_start_and_end_together(backend: Backend) {
        let database = match backend {
            Backend::Sqlite => Database::in_memory(),
            Backend::Postgres => Database::create(backend),
        };
        let (crowd, slot) = (Crowd::new(&database.url()), Crowd::slot(0));
        crowd.book(slot).await;
        crowd.start(slot).await;
        crowd.end(slot).await;
        assert_eq!(crowd.left().await, []);
        crowd.stop().await;
    }
}
