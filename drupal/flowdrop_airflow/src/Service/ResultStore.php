<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Service;

use Drupal\Core\KeyValueStore\KeyValueExpirableFactoryInterface;
use Drupal\Core\Lock\LockBackendInterface;
use Drupal\flowdrop_airflow\Contract\NodeReply;

/**
 * Keeps what nodes gave, so that a repeated request does nothing twice.
 */
final class ResultStore {

  /**
   * Seconds a result is kept: longer than any retry of Airflow's.
   */
  public const LIFE = 7 * 86400;

  /**
   * Seconds a node may work before another request may take it up.
   */
  private const LEASE = 3600.0;

  public function __construct(
    private readonly KeyValueExpirableFactoryInterface $keyValue,
    private readonly LockBackendInterface $lock,
  ) {}

  /**
   * Returns the reply for a key, working it out when nobody has.
   *
   * @param string $key
   *   The idempotency key.
   * @param callable(): array<string, mixed> $work
   *   Works the reply out.
   *
   * @return array<string, mixed>
   *   The reply; "running" while another request works on the same key.
   */
  public function once(string $key, callable $work): array {
    $store = $this->keyValue->get('flowdrop_airflow.results');
    $name = hash('sha256', $key);
    $kept = $store->get($name);
    if (is_array($kept)) {
      return $kept + ['replayed' => TRUE];
    }
    if (!$this->lock->acquire('flowdrop_airflow:' . $name, self::LEASE)) {
      return NodeReply::running(2);
    }
    try {
      // The other request may have ended between the look and the lock.
      $kept = $store->get($name);
      $reply = is_array($kept) ? $kept : $work();
      if (NodeReply::isKept($reply)) {
        $store->setWithExpire($name, $reply, self::LIFE);
      }
      return $reply;
    }
    finally {
      $this->lock->release('flowdrop_airflow:' . $name);
    }
  }

}
