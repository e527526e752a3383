<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Contract;

/**
 * One callback about one run: what changed, in order, and where the run is.
 */
final class RunEvent {

  public const RUN_STATUSES = [
    'pending', 'running', 'paused', 'completed', 'completed_with_warnings', 'failed', 'cancelled',
  ];

  public const JOB_STATUSES = [
    'idle', 'pending', 'running', 'completed', 'failed', 'cancelled', 'skipped', 'interrupted',
  ];

  /**
   * What a job status becomes where flowdrop_job knows five words only.
   */
  private const STORED_JOB = [
    'idle' => 'pending',
    'pending' => 'pending',
    'running' => 'running',
    'interrupted' => 'running',
    'completed' => 'completed',
    'failed' => 'failed',
    'cancelled' => 'cancelled',
    'skipped' => 'cancelled',
  ];

  private function __construct(
    public readonly string $id,
    public readonly int $sequence,
    public readonly string $pipelineId,
    public readonly string $workflowId,
    public readonly string $drupalPipelineId,
    public readonly array $run,
    public readonly array $jobs,
  ) {}

  /**
   * Reads a callback body.
   *
   * @throws \Drupal\flowdrop_airflow\Contract\ContractException
   *   The body is no callback of this contract.
   */
  public static function fromJson(string $body): self {
    $data = json_decode($body, TRUE, 256);
    if (!is_array($data) || ($data['contract'] ?? NULL) !== NodeRequest::CONTRACT) {
      throw new ContractException('The body is no callback of contract ' . NodeRequest::CONTRACT . '.');
    }
    foreach (['id', 'pipeline_id', 'workflow_id'] as $name) {
      if (!is_string($data[$name] ?? NULL) || $data[$name] === '') {
        throw new ContractException(sprintf('The member "%s" is missing.', $name));
      }
    }
    if (!is_int($data['sequence'] ?? NULL) || $data['sequence'] < 1) {
      throw new ContractException('The member "sequence" must be a positive number.');
    }
    $run = $data['run'] ?? NULL;
    if (!is_array($run) || !in_array($run['status'] ?? NULL, self::RUN_STATUSES, TRUE)) {
      throw new ContractException('The member "run" needs a known status.');
    }
    $jobs = $data['jobs'] ?? [];
    if (!is_array($jobs) || !array_is_list($jobs)) {
      throw new ContractException('The member "jobs" must be a list.');
    }
    foreach ($jobs as $job) {
      $known = is_array($job) && in_array($job['status'] ?? NULL, self::JOB_STATUSES, TRUE);
      if (!$known || !is_string($job['id'] ?? NULL) || !is_string($job['node_id'] ?? NULL)) {
        throw new ContractException('A job needs an id, a node id and a known status.');
      }
    }
    $own = $data['drupal_pipeline_id'] ?? '';
    return new self(
      $data['id'],
      $data['sequence'],
      $data['pipeline_id'],
      $data['workflow_id'],
      is_scalar($own) ? (string) $own : '',
      $run,
      $jobs,
    );
  }

  /**
   * Returns the run's status in the words of flowdrop_pipeline.
   */
  public function pipelineStatus(): string {
    $status = (string) $this->run['status'];
    return $status === 'completed_with_warnings' ? 'completed' : $status;
  }

  /**
   * Returns a job's status in the words of flowdrop_job.
   */
  public static function storedJobStatus(string $status): string {
    return self::STORED_JOB[$status] ?? 'pending';
  }

  /**
   * Returns whether the event still says something new.
   *
   * Deliveries come in order and at least once, so what is not newer than the
   * last one applied has been applied.
   *
   * @param int $applied
   *   The sequence number of the last event applied to this run, 0 for none.
   */
  public function isNews(int $applied): bool {
    return $this->sequence > $applied;
  }

  /**
   * Returns whether the run has ended.
   */
  public function isFinal(): bool {
    return !in_array($this->run['status'], ['pending', 'running', 'paused'], TRUE);
  }

  /**
   * Returns Unix seconds of an ISO 8601 moment, or NULL.
   */
  public static function seconds(mixed $moment): ?int {
    if (!is_string($moment) || $moment === '') {
      return NULL;
    }
    try {
      return (new \DateTimeImmutable($moment))->getTimestamp();
    }
    catch (\Exception) {
      return NULL;
    }
  }

}
