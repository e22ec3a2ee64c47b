//! Japanese.

use super::Phrases;

pub(super) const PHRASES: Phrases = Phrases {
    disclosure: "AIアシスタントがお答えしています。",
    team: "担当チーム",
    greeting: "こんにちは。どのようなご用件でしょうか。",
    thanks: "どういたしまして。",
    goodbye: "ご利用いただきありがとうございました。",
    did_you_mean: "ご質問の内容を確認させてください。次のいずれかについてのご質問でしょうか。",
    unclear: "ご質問の内容を理解できませんでした。別の言葉でお尋ねいただけますか。",
    refused: "その件について、承認された回答がありません。担当者におつなぎしましょうか。",
    partial: "ご質問の残りの部分については、承認された回答がありません。担当者におつなぎしましょうか。",
    escalated: "この会話を担当チームに引き継ぎます。担当者が内容を読んで返信いたします。",
    model_trouble: "ただいま適切な回答ができません。ご質問は担当者が対応いたします。",
    limited: "現在、これ以上のご質問にお答えできません。担当チームに直接お問い合わせください。",
    ask_person_title: "担当者と話す",
    ask_person_question: "担当者と話したいです",
};
