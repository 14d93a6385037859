"""How money moves: charges, invoices and the subscriptions behind them."""
