//! What finding passages for a question costs, by how many there are.

use std::sync::Arc;
use std::time::Instant;

use bob_core::answer::{Ask, GroundedAnswerer};
use bob_core::knowledge::Audience;
use bob_core::language::Language;
use bob_core::retrieve::{LexicalRetriever, Retriever as _, Scope, StoredKnowledge};
use bob_core::storage::TenantStore as _;
use bob_core::storage::memory::MemoryStorage;
use bob_core::testing::fixture;

use crate::report::{Report, Rounds};
use crate::{Effort, Result, world};

/// How many passages there are.
const SIZES: [usize; 2] = [100, 1_000];

/// As many as the answerer looks at.
const LIMIT: usize = 8;

struct Case {
    passages: usize,
    retriever: LexicalRetriever,
    scope: Scope,
    questions: Vec<String>,
    found: Rounds,
    answered: Rounds,
}

impl Case {
    async fn new(passages: usize) -> Result<Self> {
        let shop = world::shop(passages, Vec::new())?;
        let asked = shop.knowledge.iter().flat_map(|(_, text)| text.questions().first().cloned());
        let questions = asked.take(SIZES[0]).collect();
        let tenant = shop.tenant.id;
        let storage = Arc::new(MemoryStorage::new());
        storage.onboard(&fixture::act(), shop).await?;
        let release = storage.tenant_snapshot(&tenant).await?.release;
        let retriever = LexicalRetriever::new(Arc::new(StoredKnowledge::new(storage)));
        let scope = Scope { tenant, release, audience: Audience::Public };
        let (found, answered) = (Rounds::default(), Rounds::default());
        Ok(Self { passages, retriever, scope, questions, found, answered })
    }

    async fn measure(&mut self, times: usize) -> Result<()> {
        let asked = (times * self.questions.len()) as f64;
        let started = Instant::now();
        for question in std::iter::repeat_n(&self.questions, times).flatten() {
            let found = self.retriever.retrieve(&self.scope, Language::EN, question, LIMIT).await?;
            if found.hits.is_empty() {
                return Err(format!("nothing was found for {question:?}").into());
            }
        }
        self.found.add(started.elapsed().as_secs_f64() * 1e6 / asked);
        let started = Instant::now();
        for question in std::iter::repeat_n(&self.questions, times).flatten() {
            let ask = Ask { scope: &self.scope, language: Language::EN, question };
            GroundedAnswerer::default().answer(&self.retriever, &ask).await?;
        }
        self.answered.add(started.elapsed().as_secs_f64() * 1e6 / asked);
        Ok(())
    }
}

/// Searches, and whole answers without a model, among 100 and 1,000 passages.
pub fn run(effort: Effort, report: &mut Report) -> Result<()> {
    world::runtime()?.block_on(async {
        let mut cases = Vec::new();
        for passages in SIZES {
            cases.push(Case::new(passages).await?);
        }
        for case in &mut cases {
            // Builds the index.
            case.measure(1).await?;
            (case.found, case.answered) = (Rounds::default(), Rounds::default());
        }
        for _ in 0..effort.rounds() {
            for case in &mut cases {
                case.measure(effort.pick(20, 1)).await?;
            }
        }
        for Case { passages, found, answered, .. } in &cases {
            report.add("retrieve", format!("one search, {passages} passages"), "µs", found);
            report.add("retrieve", format!("one answer, {passages} passages"), "µs", answered);
        }
        Ok(())
    })
}
