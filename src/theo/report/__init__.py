"""Reports: pure folds over facts. Deals and daily results, performance, the canonical order list, pictures of equity."""
