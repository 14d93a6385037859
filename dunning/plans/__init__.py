"""What a campaign says: read, compared, chosen and tried, all of it pure."""
